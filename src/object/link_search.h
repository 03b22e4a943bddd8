#pragma once
// The search of one loader through one tree. Private to the doctor.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "object/link_tree.h"

namespace axle::object {

constexpr std::size_t none = SIZE_MAX;

// One directory of an object's list, or of the policy.
struct SearchDir {
  std::string entry;       // as written
  std::size_t dir = none;  // none: outside of the tree, or no directory that can be known
  std::string shown;       // the directory, for people
};

// An object under one of the paths by which it can be opened: the directory of that path is its $ORIGIN.
struct Instance {
  std::size_t object = 0;
  std::string origin;  // physical
  std::string file;    // physical
  std::size_t soname = none;
  std::vector<std::size_t> needs;  // interned names, needed before delay_needed
  // The list that counts: RUNPATH, else RPATH; LC_RPATH. Objects with one origin and text share it.
  const std::vector<SearchDir>* paths = nullptr;
  bool has_runpath = false;
};

// What one need of one instance comes to, seen from one root.
struct Outcome {
  enum class How { missing, by_path, by_name, program, extra, direct };
  How how = How::missing;
  std::size_t provider = none;       // instance
  std::size_t owner = none;          // by_path: the instance whose entry found it
  std::string_view entry;            // by_path: that entry
  std::size_t wrong_machine = none;  // an instance that was passed over
};

class LinkSearch {
 public:
  LinkSearch(const LinkTree& tree, const LinkPolicy& policy);

  // True for objects that take part: of the loader's format, sound, of the target's machine.
  bool takes_part(std::size_t object) const;
  const std::vector<Instance>& instances() const noexcept { return instances_; }
  std::size_t instance_of(std::size_t object) const { return by_object_[object]; }
  const std::string& name(std::size_t id) const { return names_[id]; }
  // Objects whose soname or file name is this name, in order.
  const std::vector<std::size_t>& providers(std::size_t name) const { return providers_[name]; }
  const PathWalker& walker() const noexcept { return walker_; }
  const std::vector<SearchDir>& extra_dirs() const noexcept { return extra_dirs_; }

  // Loads `root` and all that it needs, breadth first, and gives visit(instance, need index, outcome) for
  // each need.
  template <typename Visit>
  void load(std::size_t root, Visit visit);
  // The same for the needs of `root` itself alone: the loader goes breadth first, so that what they need in
  // turn comes too late to change them.
  template <typename Visit>
  void load_alone(std::size_t root, Visit visit);
  // The chain of instances from the root of the last load() to `instance`.
  std::vector<std::size_t> chain_to(std::size_t instance) const;

 private:
  std::size_t intern(std::string_view name);
  void add_instance(std::size_t object, std::string origin, std::string file);
  const std::vector<SearchDir>* list_of(const ObjectFacts& facts, const std::string& origin);
  std::vector<SearchDir> expand(const std::vector<std::string>& entries, const std::string& origin);
  std::vector<SearchDir> known_dirs(const std::vector<std::string>& paths);
  std::optional<std::string> expand_tokens(std::string_view text, const std::string& origin) const;
  std::size_t dir_id(const std::string& path);
  std::size_t find_in(const SearchDir& dir, std::size_t name, const Instance& needer, Outcome& outcome) const;
  bool search(const std::vector<SearchDir>& dirs, std::size_t owner, std::size_t name, const Instance& needer,
              Outcome& outcome) const;
  Outcome resolve(std::size_t instance, std::size_t name);
  Outcome resolve_elf(std::size_t instance, std::size_t name);
  Outcome resolve_dyld(std::size_t instance, std::size_t name);
  Outcome resolve_windows(std::size_t instance, std::size_t name);
  Outcome open_path(std::string_view path, std::size_t instance);
  void begin(std::size_t root);
  template <typename Visit>
  void visit_needs(std::size_t instance, Visit& visit);
  void note_loaded(const Outcome& outcome, std::size_t needer, std::size_t name);

  const LinkTree& tree_;
  const LinkPolicy& policy_;
  PathWalker walker_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> name_ids_;
  std::vector<std::vector<std::size_t>> providers_;
  std::unordered_map<std::string, std::size_t> dir_ids_;
  std::unordered_map<std::uint64_t, std::size_t> files_;           // directory and name -> instance
  std::unordered_map<std::string, std::vector<SearchDir>> lists_;  // by origin and text
  std::vector<Instance> instances_;
  std::vector<std::size_t> by_object_;
  std::vector<SearchDir> extra_dirs_;
  std::vector<SearchDir> program_dirs_;
  std::vector<bool> is_program_library_;  // by name

  // The state of one load().
  std::uint32_t epoch_ = 0;
  bool in_interpreter_ = true;  // a program of its own has nothing of the interpreter
  std::vector<std::uint32_t> name_epoch_;
  std::vector<std::size_t> name_instance_;
  std::vector<std::uint32_t> instance_epoch_;
  std::vector<std::size_t> loader_;
  std::vector<std::size_t> queue_;
};

template <typename Visit>
void LinkSearch::load(std::size_t root, Visit visit) {
  begin(root);
  for (std::size_t i = 0; i < queue_.size(); ++i) visit_needs(queue_[i], visit);
}

template <typename Visit>
void LinkSearch::load_alone(std::size_t root, Visit visit) {
  begin(root);
  visit_needs(root, visit);
}

template <typename Visit>
void LinkSearch::visit_needs(std::size_t instance, Visit& visit) {
  for (std::size_t k = 0; k < instances_[instance].needs.size(); ++k) {
    const std::size_t name = instances_[instance].needs[k];
    const Outcome outcome = resolve(instance, name);
    note_loaded(outcome, instance, name);
    visit(instance, k, outcome);
  }
}

}  // namespace axle::object
