#pragma once
// The Plan: everything that an environment will hold, decided before anything is written. It is a value: it
// can be printed, compared, written to a tar or applied to a directory.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/digest.h"
#include "axle/base/rel_path.h"
#include "axle/env/interpreter.h"
#include "axle/env/layout.h"
#include "axle/plan/policy.h"
#include "axle/wheel/facts.h"

namespace axle {

// Index of a distribution in Plan::dists; `environment_itself` owns the venv skeleton.
using DistId = std::uint32_t;
inline constexpr DistId environment_itself = 0xffffffff;

// What lies at a path. Wheels and files are indices: Plan::dists[wheel].facts.files()[file].
struct StoreFile {  // bytes unchanged from the store
  DistId wheel;
  std::uint32_t file;
  friend bool operator==(const StoreFile&, const StoreFile&) = default;
};
struct StoreTree {  // a directory with one owner, as one entry; expanded only where files are laid or listed
  DistId wheel;
  std::uint32_t dir;
  friend bool operator==(const StoreTree&, const StoreTree&) = default;
};
struct Rewritten {  // a script whose `#!python` line is replaced
  StoreFile from;
  std::string interpreter;  // absolute path; policy.relocatable says how it is named
  friend bool operator==(const Rewritten&, const Rewritten&) = default;
};
struct Patched {  // a native object with other rpaths
  StoreFile from;
  std::vector<std::string> rpaths;
  friend bool operator==(const Patched&, const Patched&) = default;
};
struct Generated {  // launchers, pyvenv.cfg, INSTALLER, activate, ...
  std::string bytes;
  std::string_view kept = {};  // a file of the store that is the same; must outlive the plan
  friend bool operator==(const Generated&, const Generated&) = default;
};
struct Symlink {
  std::string target;
  friend bool operator==(const Symlink&, const Symlink&) = default;
};
struct Directory {  // must exist, even when empty
  friend bool operator==(const Directory&, const Directory&) = default;
};
struct Record {  // a distribution's RECORD: written last, from the digests of what was written
  DistId dist;
  std::string_view text = {};  // where it is known beforehand; must outlive the plan
  std::string_view kept = {};  // as of Generated
  friend bool operator==(const Record&, const Record&) = default;
};
using Content = std::variant<StoreFile, StoreTree, Rewritten, Patched, Generated, Symlink, Directory, Record>;

// How bytes from the store come to their place.
enum class Lay { file, link };  // a file (hard link, clone or copy) or a symbolic link into the store

struct Entry {
  RelPath path;  // under the layout's root
  DistId owner = environment_itself;
  std::vector<DistId> sharers;  // further distributions that bring the same bytes
  Content content;
  bool executable = false;
  Lay lay = Lay::file;
  Sha256 identity;  // equal identities at one path: nothing to do there
};

// no: its unpacked files will not stay where they are, so symbolic links to them would dangle.
enum class MayLink : std::uint8_t { yes, no };

// One distribution of the environment as it will be.
struct Dist {
  WheelFacts facts;
  std::string name;  // normalized
  std::string version;
  RelPath dist_info;  // under the layout's root
  bool requested = false;
  std::optional<std::string> direct_url;  // JSON text
  bool recorded = true;  // false: another tool's; its files stay as they are, RECORD included
  std::vector<std::uint32_t> lost_files;  // files of the wheel that another distribution won, sorted
  std::size_t rank = 0;                   // that of the PlanWheel
  MayLink may_link = MayLink::yes;
};

// Two claims on one path.
struct Claimant {
  std::string distribution;  // normalized name; "" for the environment itself or nobody
  std::uint64_t size = 0;
  std::string sha256;  // hexadecimal; "" for a directory
};
struct Conflict {
  RelPath path;
  std::string
      kind;  // differing-bytes, file-against-directory, case-only, script, foreign-dist-info, existing-file
  std::vector<Claimant> claimants;
  std::optional<std::string> winner;  // the distribution that a policy chose; none: an error
  std::string reason;
};

// A file that runs at every start of the interpreter.
struct StartupHook {
  std::string distribution;
  RelPath path;
  std::vector<std::string> code;  // the lines that run
  std::string known_as;           // "" or what it is, judged by its content
  bool allowed = false;
};

struct Plan {
  Layout layout;
  Policy policy;
  std::vector<Dist> dists;     // in the order given
  std::vector<Entry> entries;  // sorted by path
  std::vector<Conflict> conflicts;
  std::vector<StartupHook> hooks;
  Diagnostics notes;
};

// One wheel to be in the environment. The order of wheels matters only to the policies first and last.
struct PlanWheel {
  WheelFacts facts;
  bool requested = false;
  std::optional<std::string> direct_url;
  bool recorded = true;  // false: installed by another tool; kept as it is
  std::size_t rank = 0;  // the user's order, for conflicts; equal ones as they stand
  MayLink may_link = MayLink::yes;
};

// The environment's own files, when axle makes them.
enum class VenvInterpreter {
  linked,       // bin/python is a link to the interpreter
  copied,       // bin/python is a copy of it, where there are no links; as `python -m venv --copies` does
  at_run_time,  // whoever starts it brings the interpreter: nothing in the environment names one
};
struct VenvSpec {
  std::optional<std::string> prompt;
  bool system_site_packages = false;
  VenvInterpreter interpreter = VenvInterpreter::linked;
  std::string executable;  // copied: its bytes
};

struct PlanInput {
  Interpreter interpreter;
  Layout layout;
  std::vector<PlanWheel> wheels;
  std::optional<VenvSpec> venv;  // none: the skeleton is left alone
  Policy policy;
  std::string script_interpreter;  // the absolute path that scripts start; "" : <root>/bin/python
};

// Decides everything. Pure, thread-safe. Throws Error(bad_input) for a wheel that cannot be laid into this
// layout. Conflicts are values in the plan: see require_no_conflicts.
Plan make_plan(const PlanInput& input);

// Throws one Error(conflict) that names every conflict without a winner, and every start-up hook that is
// denied.
void require_no_conflicts(const Plan& plan);

// States the invariants of a Plan: sorted, one owner a path, no file above another, owners exist, every
// recorded distribution has one RECORD. Throws std::logic_error: a failure is a defect of axle.
void check_plan(const Plan& plan);

// The RECORD of a distribution, its rows sorted by the bytes of their paths. `written[i]` is the digest and
// size of what was written for entries[i]; needed for Rewritten and Patched entries, taken from the facts and
// the bytes for others. spec: "Recording installed projects".
struct WrittenFile {
  Sha256 sha256;
  std::uint64_t size = 0;
};
std::string render_record(const Plan& plan, DistId dist,
                          const std::vector<std::optional<WrittenFile>>& written);

// For many RECORDs of one plan: the entries of each distribution, owned or shared, as indices into
// Plan::entries.
using RecordIndex = std::vector<std::vector<std::uint32_t>>;
RecordIndex index_records(const Plan& plan);
// Gets the text in consecutive pieces, which live as long as the call.
using RecordSink = std::function<void(std::string_view)>;
void render_record(const Plan& plan, DistId dist, const std::vector<std::optional<WrittenFile>>& written,
                   const RecordIndex& index, const RecordSink& put);

}  // namespace axle
