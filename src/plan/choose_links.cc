// Which entries become symbolic links into the store.
//
// A directory may be one link when exactly one distribution owns it: that is what a StoreTree is. But a link
// changes what native objects find. $ORIGIN is the text of the path by which an object was opened, and ".."
// after it goes up from where the kernel really is: out of a linked directory it leads into the store, where
// the wheel's own files are and those of other wheels are not. So a directory is made a real one exactly
// where a path that is used goes up from it into another distribution (find_crossing_directories). What is in
// it is linked one by one. Two kinds of files must be real themselves there, because their loader goes by
// the real path of the file: programs, and everything on macOS.
//
// The crossing directories are found from the copied tree, in which everything works that can. Then the
// linked tree is judged too, and where a need fares worse in it, more is made real: first the directories of
// the objects concerned, in the end those of all objects, which is the copied tree but for links to files.
// Nothing that works when copied is left broken; where that cannot be had the plan is refused.
//
// Files in the scripts directory are real in any case, and so is what axle writes or edits itself. Without
// references that go up out of a directory nothing of this is looked at.
//
// A __pycache__ in a real directory is real too, and its files are links: Python writes the byte-code of that
// directory's other modules into it, and must not write into the store. (In a linked directory it cannot: see
// store/publish.h.)

#include <algorithm>
#include <map>
#include <numeric>

#include "axle/base/error.h"
#include "axle/object/link_doctor.h"
#include "axle/object/rpath_edit.h"
#include "axle/plan/links.h"
#include "plan/expand_entries.h"
#include "plan/passes.h"

namespace axle {
namespace {

using Loader = LinkPolicy::Loader;

class LinkChooser {
 public:
  LinkChooser(Plan& plan, LinkPolicy policy) : plan_(plan), policy_(std::move(policy)) {}

  void run() {
    if (!may_break()) return mark_links();
    PlannedLinks objects = describe_links(plan_);
    const LinkReport wanted = find_links(objects.tree, policy_);
    for (std::string& dir : find_crossing_directories(objects.tree, policy_)) real_.insert(std::move(dir));
    expand_entries(plan_, real_);
    mark_links();
    for (int step = 0; step < 3; ++step) {
      const std::vector<std::size_t> broken = find_broken(objects.tree, wanted);
      if (broken.empty()) return;
      make_real(objects.tree, step == 0 ? broken : all_objects(objects.tree));
    }
    if (const std::vector<std::size_t> broken = find_broken(objects.tree, wanted); !broken.empty()) {
      throw Error(ErrorCode::unsupported, Place{objects.tree.objects[broken.front()].path},
                  "would not load through symbolic links, and does when it is copied",
                  "use --link-mode hardlink or copy");
    }
  }

 private:
  // Whether links can matter to anything here.
  bool may_break() const {
    for (const Dist& dist : plan_.dists) {
      if (!dist.recorded || dist.facts.object_count() == 0) continue;
      if (policy_.loader == Loader::dyld) return true;
      for (const DirFact& dir : dist.facts.dirs()) {
        if (dir.has(dir_flag::reaches_out)) return true;
      }
    }
    // A program that is a link itself is at home in the store.
    return std::any_of(plan_.entries.begin(), plan_.entries.end(), [&](const Entry& entry) {
      const auto* file = std::get_if<StoreFile>(&entry.content);
      if (file == nullptr) return false;
      const WheelFacts& facts = plan_.dists[file->wheel].facts;
      if (!facts.file(file->file).has(file_flag::native)) return false;
      const auto index = facts.object_of(file->file);
      if (!index) return false;
      const ObjectFacts object = facts.object(*index);
      return object.kind == ObjectFacts::Kind::executable && !rpath_entries(object).empty();
    });
  }

  bool may_link(const Entry& entry) const {
    if (entry.owner == environment_itself) return false;
    const Dist& owner = plan_.dists[entry.owner];
    if (!owner.recorded || owner.may_link == MayLink::no) return false;
    const std::string scripts = join_path(plan_.layout.scripts, "");
    if (!scripts.empty() && entry.path.str().starts_with(scripts + "/")) return false;
    if (std::holds_alternative<StoreTree>(entry.content)) return true;
    return std::holds_alternative<StoreFile>(entry.content) && !real_files_.contains(entry.path.str());
  }

  void mark_links() {
    for (Entry& entry : plan_.entries) entry.lay = may_link(entry) ? Lay::link : Lay::file;
  }

  // Objects of which a need fares worse than in the copied tree. `tree` gets the links of the plan as it is
  // now; its objects stay the same whatever is a link.
  std::vector<std::size_t> find_broken(LinkTree& tree, const LinkReport& wanted) const {
    std::map<std::pair<std::size_t, std::string_view>, Severity> before;
    for (const LinkVerdict& verdict : wanted.verdicts)
      before.emplace(std::pair(verdict.object, std::string_view(verdict.name)), severity_of(verdict.kind));
    tree.links = describe_linked_paths(plan_);
    std::vector<std::size_t> broken;
    for (const LinkVerdict& verdict : find_links(tree, policy_).verdicts) {
      const auto known = before.find({verdict.object, verdict.name});
      const bool worse = known != before.end() && severity_of(verdict.kind) > known->second;
      if (worse && (broken.empty() || broken.back() != verdict.object)) broken.push_back(verdict.object);
    }
    return broken;
  }

  static std::vector<std::size_t> all_objects(const LinkTree& tree) {
    std::vector<std::size_t> all(tree.objects.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
  }

  void make_real(const LinkTree& tree, const std::vector<std::size_t>& objects) {
    for (const std::size_t index : objects) {
      const LinkObject& object = tree.objects[index];
      add_directories_of(object.path, real_);
      const bool is_program = object.facts->kind == ObjectFacts::Kind::executable;
      if (is_program || policy_.loader == Loader::dyld) real_files_.insert(object.path);
    }
    expand_entries(plan_, real_);
    mark_links();
  }

  Plan& plan_;
  LinkPolicy policy_;
  DirectorySet real_;
  DirectorySet real_files_;
};

bool is_byte_code_tree(const Entry& entry) {
  return std::holds_alternative<StoreTree>(entry.content) && entry.path.name() == "__pycache__";
}

}  // namespace

void choose_links(Draft& draft) {
  Plan& plan = draft.plan;
  if (plan.policy.link_mode != LinkMode::symlink) return;
  if (plan.layout.os == Os::windows) {
    plan.policy.link_mode = LinkMode::copy;
    plan.notes.push_back({Severity::warning, "link-mode", "", "",
                          "links into this machine's store mean nothing on Windows; files are copied",
                          "leave out --link-mode symlink"});
    return;
  }
  LinkChooser(plan, target_link_policy(draft.input.interpreter)).run();
  DirectorySet byte_code;
  for (const Entry& entry : plan.entries) {
    if (entry.lay == Lay::link && is_byte_code_tree(entry)) byte_code.insert(entry.path.str());
  }
  expand_entries(plan, byte_code);
}

}  // namespace axle
