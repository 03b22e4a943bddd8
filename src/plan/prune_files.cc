// Leaving files out: by what they are (tests, stubs, headers, byte-code) or by a glob.
//
// Problem. What is not needed at run time can be a third of an environment, and a list of names does not say
// what is needed: "tests" is a directory of tests in one package and an import root in another.
//
// Rules. A class or glob chooses files; globs that begin with '!' keep. Nothing takes away what makes import
// roots and entry points work:
//   - a dist-info, and what site reads at start-up;
//   - the __init__ of a directory in which anything else stays, up to the import root;
//   - a module at the top level, and the module that an entry point names with the packages above it;
//   - tests only below an import root, so that a distribution called "tests" stays;
//   - byte-code only where its source stays beside it: otherwise it is the module.
//
// What goes is what a conflict's loser loses: the entry goes, every owner's facts have the file among its
// lost files, and RECORD follows from the entries. A tree that loses something becomes its parts, as deep as
// needed.

#include <algorithm>
#include <map>

#include "axle/plan/diff.h"
#include "axle/wheel/entry_points.h"
#include "plan/glob.h"
#include "plan/passes.h"

namespace axle {
namespace {

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> suffixes) noexcept {
  return std::any_of(suffixes.begin(), suffixes.end(),
                     [&](std::string_view suffix) { return name.ends_with(suffix); });
}

bool is_stub(std::string_view name) noexcept { return name.ends_with(".pyi"); }
bool is_header(std::string_view name) noexcept {
  return ends_with_any(name, {".h", ".hh", ".hpp", ".hxx", ".cuh", ".pxd", ".pxi"});
}

// One wheel: which of its files go.
class WheelPruner {
 public:
  WheelPruner(const Plan& plan, DistId id)
      : plan_(plan), facts_(plan.dists[id].facts), gone_(facts_.files().size()) {}

  // Empty when nothing goes.
  std::vector<bool> run() {
    bool any = false;
    for (std::uint32_t file = 0; file < gone_.size(); ++file) {
      gone_[file] = wanted_gone(file);
      any = any || gone_[file];
    }
    if (!any) return {};
    keep_entry_points();
    keep_inits();
    drop_orphaned_byte_code();
    if (std::none_of(gone_.begin(), gone_.end(), [](bool gone) { return gone; })) return {};
    return std::move(gone_);
  }

 private:
  const PruneRules& rules() const { return plan_.policy.prune; }
  bool has(PruneClass wanted) const { return rules().classes.contains(wanted); }

  bool any_matches(const std::vector<std::string>& globs, const std::string& below,
                   const std::string& path) const {
    return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
      return glob_matches(glob, below) || glob_matches(glob, path);
    });
  }

  // A directory called tests that is not itself an import root, with the file anywhere below it.
  bool is_test(std::uint32_t file) const {
    const FileFact& fact = facts_.file(file);
    if (!is_lib(facts_.scheme_of(fact))) return false;
    for (std::uint32_t dir = fact.dir;;) {
      const DirFact& one = facts_.dir(dir);
      const std::string_view name = facts_.name(one);
      if (name.empty()) return false;
      const bool is_root = facts_.name(facts_.dir(one.parent)).empty();
      if (!is_root && (name == "tests" || name == "test")) return true;
      dir = one.parent;
    }
  }

  // The source that a file of __pycache__ or a .pyc beside it was made from stays in this wheel.
  bool has_source(std::uint32_t file) const {
    const FileFact& fact = facts_.file(file);
    const std::string_view name = facts_.name(fact);
    const std::string source = std::string(name.substr(0, name.find('.'))) + ".py";
    const DirFact& dir = facts_.dir(fact.dir);
    const std::uint32_t where = facts_.name(dir) == "__pycache__" ? dir.parent : fact.dir;
    const auto files = facts_.files_in(facts_.dir(where));
    return std::any_of(files.begin(), files.end(),
                       [&](const FileFact& one) { return facts_.name(one) == source; });
  }

  bool chosen_by_class(std::uint32_t file) const {
    const FileFact& fact = facts_.file(file);
    const std::string_view name = facts_.name(fact);
    if (has(PruneClass::tests) && is_test(file)) return true;
    if (has(PruneClass::stubs) && is_stub(name)) return true;
    if (has(PruneClass::headers) && (facts_.scheme_of(fact) == Scheme::headers || is_header(name)))
      return true;
    return has(PruneClass::byte_code) && name.ends_with(".pyc") && has_source(file);
  }

  bool wanted_gone(std::uint32_t file) const {
    const FileFact& fact = facts_.file(file);
    if (fact.has(file_flag::dist_info) || fact.has(file_flag::startup)) return false;
    const std::string below = facts_.path_of(file);
    const Scheme scheme = facts_.scheme_of(fact);
    if (is_lib(scheme) && facts_.name(facts_.dir(fact.dir)).empty() && below.ends_with(".py")) return false;
    const std::string path =
        join_path(RelPath::try_parse(scheme_path(plan_.layout, scheme, facts_.name())), below);
    if (any_matches(rules().kept, below, path)) return false;
    return chosen_by_class(file) || any_matches(rules().globs, below, path);
  }

  void keep(Scheme scheme, const std::string& path) {
    if (const auto file = facts_.find(scheme, path)) gone_[*file] = false;
  }

  void keep_entry_points() {
    for (const EntryPoint& point : facts_.entry_points()) {
      if (!is_script_group(point.group)) continue;
      std::string path = parse_object_reference(point.value).module;
      std::replace(path.begin(), path.end(), '.', '/');
      for (const Scheme scheme : {Scheme::purelib, Scheme::platlib}) {
        keep(scheme, path + ".py");
        for (std::string package = path; !package.empty();) {
          keep(scheme, package + "/__init__.py");
          const std::size_t slash = package.rfind('/');
          package.resize(slash == std::string::npos ? 0 : slash);
        }
      }
    }
  }

  // Directories stand in pre-order, so that going backwards meets what is below before what is above.
  void keep_inits() {
    const auto dirs = facts_.dirs();
    std::vector<bool> stays(dirs.size());
    for (std::uint32_t i = static_cast<std::uint32_t>(dirs.size()); i-- > 0;) {
      const DirFact& dir = dirs[i];
      if (!is_lib(dir.scheme)) continue;
      std::optional<std::uint32_t> init;
      for (const FileFact& file : facts_.files_in(dir)) {
        const std::uint32_t index = facts_.index_of(file);
        if (file.has(file_flag::init)) {
          init = index;
        } else if (!gone_[index]) {
          stays[i] = true;
        }
      }
      const bool is_import_root = !facts_.name(dir).empty() && facts_.name(dirs[dir.parent]).empty();
      if (init && (stays[i] || is_import_root)) gone_[*init] = false;
      if (init && !gone_[*init]) stays[i] = true;
      if (stays[i] && dir.parent != i) stays[dir.parent] = true;
    }
  }

  // Byte-code of what is left out would be left alone in the environment.
  void drop_orphaned_byte_code() {
    for (const FileFact& file : facts_.files()) {
      const DirFact& dir = facts_.dir(file.dir);
      if (facts_.name(dir) != "__pycache__" || !is_lib(dir.scheme)) continue;
      const std::string_view name = facts_.name(file);
      const std::string stem(name.substr(0, name.find('.')));
      for (const FileFact& source : facts_.files_in(facts_.dir(dir.parent))) {
        if (facts_.name(source) == stem + ".py" && gone_[facts_.index_of(source)]) {
          gone_[facts_.index_of(file)] = true;
        }
      }
    }
  }

  const Plan& plan_;
  const WheelFacts& facts_;
  std::vector<bool> gone_;
};

class Pruner {
 public:
  explicit Pruner(Plan& plan) : plan_(plan) {
    for (DistId id = 0; id < plan.dists.size(); ++id) {
      gone_.push_back(plan.dists[id].recorded ? WheelPruner(plan, id).run() : std::vector<bool>());
    }
  }

  void run() {
    std::vector<Entry> kept;
    for (Entry& entry : plan_.entries) visit(std::move(entry), kept);
    std::sort(kept.begin(), kept.end(), [](const Entry& a, const Entry& b) { return a.path < b.path; });
    plan_.entries = std::move(kept);
    for (Dist& dist : plan_.dists) {
      std::sort(dist.lost_files.begin(), dist.lost_files.end());
      dist.lost_files.erase(std::unique(dist.lost_files.begin(), dist.lost_files.end()),
                            dist.lost_files.end());
    }
  }

 private:
  bool goes(DistId wheel, std::uint32_t file) const { return !gone_[wheel].empty() && gone_[wheel][file]; }

  // A file goes when everybody who brings it lets it go.
  bool goes(const Entry& entry, const StoreFile& file) const {
    if (!goes(file.wheel, file.file)) return false;
    return std::all_of(entry.sharers.begin(), entry.sharers.end(), [&](DistId sharer) {
      if (sharer == environment_itself) return false;
      const auto same = find_file_at(plan_.layout, plan_.dists[sharer].facts, entry.path.str());
      return same && goes(sharer, *same);
    });
  }

  bool tree_loses(const StoreTree& tree) const {
    if (gone_[tree.wheel].empty()) return false;
    const DirFact& dir = plan_.dists[tree.wheel].facts.dir(tree.dir);
    const auto first = gone_[tree.wheel].begin();
    return std::find(first + dir.first_file, first + dir.file_end, true) != first + dir.file_end;
  }

  void lose(DistId id, std::uint32_t file) { plan_.dists[id].lost_files.push_back(file); }

  void visit(Entry entry, std::vector<Entry>& kept) {
    if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
      if (tree_loses(*tree)) {
        for (Entry& child : expand_tree(plan_, entry)) visit(std::move(child), kept);
        return;
      }
    } else if (const auto* file = std::get_if<StoreFile>(&entry.content);
               file != nullptr && goes(entry, *file)) {
      lose(file->wheel, file->file);
      for (const DistId sharer : entry.sharers) {
        lose(sharer, *find_file_at(plan_.layout, plan_.dists[sharer].facts, entry.path.str()));
      }
      return;
    } else if (const auto* script = std::get_if<Rewritten>(&entry.content);
               script != nullptr && goes(script->from.wheel, script->from.file)) {
      lose(script->from.wheel, script->from.file);
      return;
    }
    kept.push_back(std::move(entry));
  }

  Plan& plan_;
  std::vector<std::vector<bool>> gone_;  // by wheel and file; empty: nothing of the wheel goes
};

}  // namespace

void prune_files(Draft& draft) {
  if (draft.plan.policy.prune.empty()) return;
  Pruner(draft.plan).run();
}

}  // namespace axle
