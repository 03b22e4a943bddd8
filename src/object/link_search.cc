#include "object/link_search.h"

#include <algorithm>

#include "axle/object/rpath_edit.h"
#include "base/text.h"

namespace axle::object {

namespace {

ObjectFacts::Format format_of(LinkPolicy::Loader loader) {
  switch (loader) {
    case LinkPolicy::Loader::dyld:
      return ObjectFacts::Format::macho;
    case LinkPolicy::Loader::windows:
      return ObjectFacts::Format::pe;
    default:
      return ObjectFacts::Format::elf;
  }
}

bool has_machine(const ObjectFacts& facts, const LinkPolicy& policy) {
  if (policy.bits != 0 && facts.bits != policy.bits) return false;
  if (policy.machine.empty() || facts.machine == policy.machine) return true;
  if (std::find(facts.slices.begin(), facts.slices.end(), policy.machine) != facts.slices.end()) return true;
  // One machine, by the names of two systems.
  return facts.format != ObjectFacts::Format::elf && policy.machine == "aarch64" && facts.machine == "arm64";
}

std::string joined(const std::string& dir, std::string_view rest) {
  std::string path = dir;
  if (!path.empty() && path.back() != '/' && !rest.starts_with('/')) path += '/';
  path += rest;
  return path;
}

}  // namespace

LinkSearch::LinkSearch(const LinkTree& tree, const LinkPolicy& policy)
    : tree_(tree), policy_(policy), walker_(tree), by_object_(tree.objects.size(), none) {
  instances_.reserve(tree.objects.size());
  for (std::size_t i = 0; i < tree.objects.size(); ++i) {
    const LinkObject& object = tree.objects[i];
    if (object.facts == nullptr || object.facts->format != format_of(policy.loader) ||
        !object.facts->error.empty())
      continue;
    auto dir = walker_.walk(parent_path(object.path));
    auto file = walker_.walk(object.path);
    if (!dir || !file) continue;
    // The kernel tells a program its real path; dyld goes by the real path of everything.
    const bool real =
        object.facts->kind != ObjectFacts::Kind::shared_library || policy.loader == LinkPolicy::Loader::dyld;
    if (real) *dir = parent_path(*file);
    by_object_[i] = instances_.size();
    files_.emplace(std::uint64_t{dir_id(*dir)} << 32 | intern(base_name(object.path)), instances_.size());
    add_instance(i, std::move(*dir), std::move(*file));
  }
  // A file that is linked to can also be reached where it is, by those that are in a linked directory beside
  // it.
  const std::size_t count = instances_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string dir(parent_path(instances_[i].file));
    const std::uint64_t key = std::uint64_t{dir_id(dir)} << 32 | intern(base_name(instances_[i].file));
    if (!files_.emplace(key, instances_.size()).second) continue;
    add_instance(instances_[i].object, dir, instances_[i].file);
  }
  for (const std::string& name : policy.program_libraries) {
    const std::size_t id = intern(name);
    is_program_library_.resize(names_.size());
    is_program_library_[id] = true;
  }
  // A name with a path can be met by who has its last part.
  for (std::size_t id = 0; id < names_.size(); ++id) {
    const std::string_view base = base_name(names_[id]);
    if (base.size() == names_[id].size()) continue;
    const auto known = name_ids_.find(std::string(base));
    if (known == name_ids_.end()) continue;
    for (const std::size_t object : providers_[known->second]) {
      auto& list = providers_[id];
      if (std::find(list.begin(), list.end(), object) == list.end()) list.push_back(object);
    }
  }
  extra_dirs_ = known_dirs(policy.extra_dirs);
  program_dirs_ = known_dirs(policy.program_rpaths);
  is_program_library_.resize(names_.size());
  name_epoch_.resize(names_.size());
  name_instance_.resize(names_.size(), none);
  instance_epoch_.resize(instances_.size());
  loader_.resize(instances_.size(), none);
}

bool LinkSearch::takes_part(std::size_t object) const {
  return by_object_[object] != none && has_machine(*tree_.objects[object].facts, policy_) &&
         tree_.objects[object].facts->kind != ObjectFacts::Kind::other;
}

std::size_t LinkSearch::intern(std::string_view name) {
  std::string key = policy_.loader == LinkPolicy::Loader::windows ? ascii_lower(name) : std::string(name);
  const auto [at, fresh] = name_ids_.emplace(std::move(key), names_.size());
  if (fresh) {
    names_.emplace_back(name);
    providers_.emplace_back();
  }
  return at->second;
}

std::size_t LinkSearch::dir_id(const std::string& path) {
  return dir_ids_.emplace(path, dir_ids_.size()).first->second;
}

// nullopt: the entry has a token that this loader does not know.
std::optional<std::string> LinkSearch::expand_tokens(std::string_view text, const std::string& origin) const {
  std::string result;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    result += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    const auto take = [&](std::string_view token, const std::string& value) {
      for (const std::string& form : {"$" + std::string(token), "${" + std::string(token) + "}"}) {
        if (!text.starts_with(form)) continue;
        // "$ORIGINAL" is no token.
        const char next = text.size() > form.size() ? text[form.size()] : '/';
        if (form[1] != '{' && (is_alnum(next) || next == '_')) continue;
        result += value;
        text.remove_prefix(form.size());
        return true;
      }
      return false;
    };
    if (take("ORIGIN", origin.empty() ? "." : origin)) continue;
    const bool is_musl = policy_.loader == LinkPolicy::Loader::musl;
    if (is_musl) return std::nullopt;
    if (take("LIB", policy_.lib_token) || take("PLATFORM", policy_.machine)) continue;
    result += '$';
    text.remove_prefix(1);
  }
  return result;
}

std::vector<SearchDir> LinkSearch::expand(const std::vector<std::string>& entries,
                                          const std::string& origin) {
  std::vector<SearchDir> dirs;
  for (const std::string& entry : entries) {
    SearchDir dir;
    dir.entry = entry;
    std::optional<std::string> path;
    if (policy_.loader == LinkPolicy::Loader::dyld) {
      constexpr std::string_view loader_path = "@loader_path";
      if (entry.starts_with(loader_path)) {
        path = joined(origin, std::string_view(entry).substr(loader_path.size()));
        if (origin.empty() && path->starts_with('/')) path->erase(0, 1);
      } else if (entry.starts_with('/')) {
        path = entry;
      }
    } else {
      path = expand_tokens(entry, origin);
      if (!path) return {};  // musl gives up the whole list
      // Relative to wherever the process is: nothing is known to be there.
      if (!entry.empty() && entry.front() != '$' && entry.front() != '/') path.reset();
      if (entry.empty()) path.reset();
    }
    const auto physical = path ? walker_.walk(*path) : std::nullopt;
    dir.shown = physical ? *physical : path.value_or(entry);
    if (physical) dir.dir = dir_id(*physical);
    dirs.push_back(std::move(dir));
  }
  return dirs;
}

std::vector<SearchDir> LinkSearch::known_dirs(const std::vector<std::string>& paths) {
  std::vector<SearchDir> dirs;
  for (const std::string& path : paths) {
    const auto physical = walker_.walk(path);
    dirs.push_back({path, physical ? dir_id(*physical) : none, physical.value_or(path)});
  }
  return dirs;
}

const std::vector<SearchDir>* LinkSearch::list_of(const ObjectFacts& facts, const std::string& origin) {
  std::string key = origin + '\0';
  for (const std::string& entry : facts.rpaths) key += entry + '\0';
  const std::optional<std::string>& list = facts.runpath ? facts.runpath : facts.rpath;
  if (list) key += *list;
  const auto [at, fresh] = lists_.try_emplace(std::move(key));
  if (fresh) at->second = expand(rpath_entries(facts), origin);
  return &at->second;
}

void LinkSearch::add_instance(std::size_t object, std::string origin, std::string file) {
  const ObjectFacts& facts = *tree_.objects[object].facts;
  Instance instance;
  instance.object = object;
  instance.origin = std::move(origin);
  instance.file = std::move(file);
  if (!facts.soname.empty()) instance.soname = intern(facts.soname);
  for (const std::string& name : facts.needed) instance.needs.push_back(intern(name));
  for (const std::string& name : facts.delay_needed) instance.needs.push_back(intern(name));
  instance.has_runpath = facts.runpath.has_value();
  instance.paths = list_of(facts, instance.origin);
  const auto provides = [&](std::size_t name) {
    auto& list = providers_[name];
    if (by_object_[object] != instances_.size()) return;  // known from its first instance
    if (list.empty() || list.back() != object) list.push_back(object);
  };
  provides(intern(base_name(tree_.objects[object].path)));
  if (instance.soname != none) provides(instance.soname);
  instances_.push_back(std::move(instance));
}

void LinkSearch::begin(std::size_t root) {
  ++epoch_;
  queue_.assign(1, root);
  instance_epoch_[root] = epoch_;
  loader_[root] = none;
  in_interpreter_ = tree_.objects[instances_[root].object].facts->kind != ObjectFacts::Kind::executable;
  const std::size_t soname = instances_[root].soname;
  // musl knows what is loaded only by the names that a search found.
  if (soname != none && policy_.loader != LinkPolicy::Loader::musl) {
    name_epoch_[soname] = epoch_;
    name_instance_[soname] = root;
  }
}

void LinkSearch::note_loaded(const Outcome& outcome, std::size_t needer, std::size_t name) {
  if (outcome.provider == none) return;
  const auto note = [&](std::size_t id) {
    if (id == none || name_epoch_[id] == epoch_) return;
    name_epoch_[id] = epoch_;
    name_instance_[id] = outcome.provider;
  };
  note(name);
  if (policy_.loader != LinkPolicy::Loader::musl) note(instances_[outcome.provider].soname);
  if (instance_epoch_[outcome.provider] == epoch_) return;
  instance_epoch_[outcome.provider] = epoch_;
  loader_[outcome.provider] = needer;
  queue_.push_back(outcome.provider);
}

std::vector<std::size_t> LinkSearch::chain_to(std::size_t instance) const {
  std::vector<std::size_t> chain;
  for (std::size_t at = instance; at != none; at = loader_[at]) chain.push_back(at);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::size_t LinkSearch::find_in(const SearchDir& dir, std::size_t name, const Instance& needer,
                                Outcome& outcome) const {
  if (dir.dir == none) return none;
  const auto found = files_.find(std::uint64_t{dir.dir} << 32 | name);
  if (found == files_.end()) return none;
  const ObjectFacts& theirs = *tree_.objects[instances_[found->second].object].facts;
  const ObjectFacts& ours = *tree_.objects[needer.object].facts;
  // The loader goes on after an object of another machine.
  if (theirs.format == ObjectFacts::Format::elf &&
      (theirs.machine != ours.machine || theirs.bits != ours.bits)) {
    outcome.wrong_machine = found->second;
    return none;
  }
  if (!takes_part(instances_[found->second].object)) {
    outcome.wrong_machine = found->second;
    return none;
  }
  return found->second;
}

bool LinkSearch::search(const std::vector<SearchDir>& dirs, std::size_t owner, std::size_t name,
                        const Instance& needer, Outcome& outcome) const {
  for (const SearchDir& dir : dirs) {
    const std::size_t found = find_in(dir, name, needer, outcome);
    if (found == none) continue;
    outcome.how = owner == none ? Outcome::How::extra : Outcome::How::by_path;
    outcome.provider = found;
    outcome.owner = owner;
    outcome.entry = dir.entry;
    return true;
  }
  return false;
}

Outcome LinkSearch::open_path(std::string_view path, std::size_t instance) {
  Outcome outcome;
  const auto dir = walker_.walk(parent_path(path));
  if (!dir) return outcome;
  const auto known = dir_ids_.find(*dir);
  const auto base = name_ids_.find(std::string(base_name(path)));
  if (known == dir_ids_.end() || base == name_ids_.end()) return outcome;
  SearchDir entry;
  entry.dir = known->second;
  const std::size_t found = find_in(entry, base->second, instances_[instance], outcome);
  if (found == none) return outcome;
  outcome.how = Outcome::How::direct;
  outcome.provider = found;
  outcome.owner = instance;
  return outcome;
}

Outcome LinkSearch::resolve(std::size_t instance, std::size_t name) {
  Outcome outcome;
  if (name_epoch_[name] == epoch_) {
    outcome.how = Outcome::How::by_name;
    outcome.provider = name_instance_[name];
    return outcome;
  }
  if (in_interpreter_ && is_program_library_[name]) {
    outcome.how = Outcome::How::program;
    return outcome;
  }
  switch (policy_.loader) {
    case LinkPolicy::Loader::dyld:
      return resolve_dyld(instance, name);
    case LinkPolicy::Loader::windows:
      return resolve_windows(instance, name);
    default:
      return resolve_elf(instance, name);
  }
}

Outcome LinkSearch::resolve_elf(std::size_t instance, std::size_t name) {
  const Instance& needer = instances_[instance];
  const std::string& text = names_[name];
  if (text.find('/') != std::string::npos) {
    const auto path = expand_tokens(text, needer.origin);
    return path && (text.front() == '/' || text.front() == '$') ? open_path(*path, instance) : Outcome{};
  }
  Outcome outcome;
  const bool is_musl = policy_.loader == LinkPolicy::Loader::musl;
  if (is_musl) {
    for (std::size_t at = instance; at != none; at = loader_[at]) {
      if (search(*instances_[at].paths, at, name, needer, outcome)) return outcome;
    }
  } else if (needer.has_runpath) {
    if (search(*needer.paths, instance, name, needer, outcome)) return outcome;
  } else {
    for (std::size_t at = instance; at != none; at = loader_[at]) {
      if (instances_[at].has_runpath) continue;
      if (search(*instances_[at].paths, at, name, needer, outcome)) return outcome;
    }
    if (in_interpreter_ && search(program_dirs_, none, name, needer, outcome)) return outcome;
  }
  search(extra_dirs_, none, name, needer, outcome);
  return outcome;
}

Outcome LinkSearch::resolve_dyld(std::size_t instance, std::size_t name) {
  const Instance& needer = instances_[instance];
  const std::string_view text = names_[name];
  constexpr std::string_view rpath = "@rpath/", loader_path = "@loader_path/";
  if (text.starts_with(loader_path))
    return open_path(joined(needer.origin, text.substr(loader_path.size())), instance);
  if (!text.starts_with(rpath)) return text.starts_with('/') ? open_path(text, instance) : Outcome{};
  const std::string_view rest = text.substr(rpath.size());
  Outcome outcome;
  // The lists of all images in the chain of loaders apply, the nearest first.
  for (std::size_t at = instance; at != none; at = loader_[at]) {
    for (const SearchDir& dir : *instances_[at].paths) {
      if (dir.dir == none) continue;
      Outcome opened = open_path(joined(dir.shown, rest), instance);
      if (opened.wrong_machine != none) outcome.wrong_machine = opened.wrong_machine;
      if (opened.provider == none) continue;
      opened.how = Outcome::How::by_path;
      opened.owner = at;
      opened.entry = dir.entry;
      return opened;
    }
  }
  return outcome;
}

// LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, then the directories given to os.add_dll_directory.
Outcome LinkSearch::resolve_windows(std::size_t instance, std::size_t name) {
  const Instance& needer = instances_[instance];
  Outcome outcome;
  const auto known = dir_ids_.find(needer.origin);
  if (known != dir_ids_.end()) {
    SearchDir own;
    own.dir = known->second;
    const std::size_t found = find_in(own, name, needer, outcome);
    if (found != none) {
      outcome.how = Outcome::How::direct;
      outcome.provider = found;
      outcome.owner = instance;
      return outcome;
    }
  }
  search(extra_dirs_, none, name, needer, outcome);
  return outcome;
}

}  // namespace axle::object
