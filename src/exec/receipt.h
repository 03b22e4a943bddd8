#pragma once
// What axle remembers of an environment, in .axle/receipt: what it was made from, and what lies where.
// docs/store-format.md describes the file.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "axle/base/digest.h"
#include "axle/plan/diff.h"
#include "base/fd.h"
#include "base/file.h"
#include "exec/witness.h"

namespace axle {

struct ReceiptInput {
  std::string path;  // absolute
  Sha256 sha256;
};

// What a repeated command compares, without looking at anything else.
struct ReceiptHead {
  Sha256 request;                    // of the options that matter; all zero: nothing to compare
  std::vector<ReceiptInput> inputs;  // lock files, and what they include
  std::vector<Witness> places;       // site-packages and every dist-info, relative to the root
  std::string link_mode;             // what files were laid by: "hardlink", ...
  std::string rpath;                 // "fix", or "" for what needs no remembering
  std::uint64_t distributions = 0;
  std::string launcher;  // what starts entry points (render_launcher_policy)
};

// A directory of a wheel by name: its index may differ between versions of the facts.
struct TreePlace {
  std::size_t entry = 0;  // index into State::entries
  Scheme scheme = Scheme::purelib;
  std::string path;
};

struct Receipt {
  ReceiptHead head;
  // State::dists[i].facts is empty, and so is `dir` of trees: read_installation() finds them.
  State state;
  std::vector<Sha256> wheels;  // of State::dists[i]
  std::vector<TreePlace> trees;
};

// Of the distributions that axle laid; those of other tools are left out.
std::string encode_receipt(const ReceiptHead& head, const State& state);
// Replaces that of the environment by one rename. The caller holds the environment's lock. Throws Error(io).
void replace_receipt(const Fd& root, const ReceiptHead& head, const State& state, FileLook::Flush flush);
// Throw Error(bad_input) for damage.
Receipt decode_receipt(std::string_view bytes, std::string_view name);
ReceiptHead decode_receipt_head(std::string_view bytes, std::string_view name);

// nullopt when the environment has none.
std::optional<Receipt> read_receipt(const Fd& root);
std::optional<ReceiptHead> read_receipt_head(const Fd& root);

}  // namespace axle
