#pragma once
// What FactsBuilder gathers, and the tree that is made of it.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "axle/base/digest.h"
#include "axle/object/object_facts.h"
#include "axle/wheel/facts.h"
#include "axle/wheel/metadata.h"
#include "wheel/facts_format.h"

namespace axle {

struct ModelFile {
  Scheme scheme;
  std::uint16_t flags;
  std::uint32_t name_start;  // of the last component in `path`
  std::string path;
  std::uint64_t size;
  std::int64_t mtime;
  Sha256 sha256;

  std::string_view name() const noexcept { return std::string_view(path).substr(name_start); }
};

struct FactsModel {
  Metadata metadata;
  std::string file_name;
  std::uint64_t archive_size = 0;
  Sha256 wheel_sha256;
  std::optional<Sha256> store_id;  // none: wheel_sha256
  std::string byte_code;
  Scheme root_scheme = Scheme::purelib;
  std::string dist_info;  // "": by name and version
  std::vector<std::string> tags;
  std::vector<RecordFault> faults;
  std::vector<std::string> warnings;
  std::vector<EntryPoint> entry_points;

  std::vector<ModelFile> files;
  // The first of each pair is an index in `files`.
  struct Startup {
    std::string text;
    bool truncated;
  };
  std::vector<std::pair<std::uint32_t, Startup>> startups;
  std::vector<std::pair<std::uint32_t, InitMeaning>> inits;
  std::vector<std::pair<std::uint32_t, ObjectFacts>> objects;
};

// All texts of a facts file. A text that comes again soon ("__init__.py") is usually kept once: a small cache
// without allocations knows the last texts, which costs less than a map of all and saves nearly as much.
class TextPool {
 public:
  // `expected` is how many texts are likely to come.
  explicit TextPool(std::size_t expected)
      : cache_(std::bit_ceil(std::clamp<std::size_t>(expected, 64, 4096))) {}
  // `text` must live as long as the pool. Throws Error(unsupported) past 4 GiB.
  TextRef add(std::string_view text);
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  struct Known {
    std::string_view text;
    TextRef ref;
  };
  std::string bytes_;
  std::vector<Known> cache_;
};

struct FactsTree {
  std::vector<DirFact> dirs;
  std::vector<std::string_view> dir_names;  // of each; into the model
  std::vector<FileFact> files;
  std::vector<std::uint32_t> source;  // for each file its index in FactsModel::files
  std::vector<std::uint32_t> place;   // the reverse; files given twice share one
  std::array<std::uint32_t, 5> roots{no_dir, no_dir, no_dir, no_dir, no_dir};
  std::vector<std::string_view> import_roots;  // sorted
};

// Sorts, nests and classifies. `dist_info` is the directory's name. Throws Error(bad_input) where the wheel
// contradicts itself.
FactsTree make_tree(const FactsModel& model, std::string_view dist_info, TextPool& texts);
// Gives each directory its digest: over kinds, names and digests of what it holds.
void add_digests(FactsTree& tree, const FactsModel& model);

// How many directories above its own an object's relative search path leads: "$ORIGIN/../../x.libs" gives 2.
std::size_t levels_out(const ObjectFacts& facts);

}  // namespace axle
