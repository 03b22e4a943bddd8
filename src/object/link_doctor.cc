// The link doctor.
//
// The problem. Wheels carry libraries that name each other ("libcublas.so.12") and say where to look
// ("$ORIGIN/../../cublas/lib"). Whether that works depends on the layout: $ORIGIN is the text of the path by
// which the file was opened, but ".." after it is walked by the kernel, so that a symbolic link on the way
// leads elsewhere. It depends on the loader, on who loaded the needing library (RPATH is inherited, RUNPATH
// is not), and on what was loaded before.
//
// What is done. Every object is loaded, in thought, as the first one of a fresh interpreter
// (LinkSearch::load): breadth first, each need searched as the loader of the target does, with the tree's
// links walked as the kernel does. That gives the verdict of each of its needs. An object that is loaded only
// by others is also seen in each of its loaders' runs: where all of those find what it alone does not, the
// need is inherited. What nobody finds is then looked for in the whole tree and in the tables, to say what is
// wrong and what would help.
//
// Why one run for each root is affordable: directories and names are numbered once, a search is a few hash
// look-ups, and the marks of a run are epochs, never cleared.

#include "axle/object/link_doctor.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "object/link_known.h"
#include "object/link_search.h"

namespace axle {

namespace {

using object::Instance;
using object::LinkSearch;
using object::none;
using object::Outcome;
using Kind = LinkVerdict::Kind;
using Loader = LinkPolicy::Loader;

bool is_elf(const LinkPolicy& policy) {
  return policy.loader == Loader::glibc || policy.loader == Loader::musl;
}

// Python opens these by their paths, so that no loader's list helps them.
bool is_extension_module(std::string_view path) {
  const std::string_view name = object::base_name(path);
  return name.ends_with(".pyd") ||
         (name.ends_with(".so") &&
          (name.find(".cpython-") != std::string_view::npos ||
           name.find(".abi3.") != std::string_view::npos || name.find(".pypy") != std::string_view::npos));
}

// What the runs of other roots made of a need.
struct SeenFromOthers {
  std::size_t found = 0;
  std::size_t missed = 0;
  std::size_t provider = none;
  std::string by;
  std::vector<std::size_t> chain;
};

class Doctor {
 public:
  Doctor(const LinkTree& tree, const LinkPolicy& policy)
      : tree_(tree), policy_(policy), search_(tree, policy) {}
  LinkReport run();

 private:
  std::vector<std::size_t> roots_to_run(const std::vector<std::vector<Outcome>>& own) const;
  std::string words_for(const Outcome& outcome) const;
  LinkVerdict judge_found(std::size_t object, std::size_t name, const Outcome& outcome) const;
  LinkVerdict judge_missing(std::size_t object, std::size_t name, const Outcome& outcome) const;
  bool judge_tree(LinkVerdict& verdict, std::size_t name, const Instance& needer) const;
  bool judge_system(LinkVerdict& verdict) const;
  bool judge_links(LinkVerdict& verdict, std::size_t name) const;
  std::string entry_to(std::size_t object, std::size_t provider) const;
  bool is_required(const std::string& from, const std::string& what) const;
  void judge_versions(std::size_t object, std::vector<LinkVerdict>& verdicts) const;
  void add_suspicious(std::size_t object, LinkReport& report) const;

  const LinkTree& tree_;
  const LinkPolicy& policy_;
  LinkSearch search_;
  // What each distribution requires, through others too; found when a need is missed, which is rare.
  mutable std::map<std::string_view, std::set<std::string_view>> required_;
};

std::string Doctor::words_for(const Outcome& outcome) const {
  switch (outcome.how) {
    case Outcome::How::by_path:
      return std::string(outcome.entry);
    case Outcome::How::by_name:
      return "already loaded";
    case Outcome::How::program:
      return "loaded by the interpreter";
    case Outcome::How::extra:
      return std::string(outcome.entry);
    case Outcome::How::direct:
      return policy_.loader == Loader::windows ? "its own directory" : "its path";
    case Outcome::How::missing:
      break;
  }
  return {};
}

LinkVerdict Doctor::judge_found(std::size_t object, std::size_t name, const Outcome& outcome) const {
  LinkVerdict verdict;
  verdict.object = object;
  verdict.name = search_.name(name);
  verdict.kind = outcome.how == Outcome::How::program ? Kind::interpreter : Kind::found;
  if (outcome.provider != none) verdict.provider = search_.instances()[outcome.provider].object;
  verdict.by = words_for(outcome);
  return verdict;
}

// The entry of the object's list that would lead to the directory of the provider; "" when links are in the
// way.
std::string Doctor::entry_to(std::size_t object, std::size_t provider) const {
  const std::string_view from = object::parent_path(tree_.objects[object].path);
  const std::string_view to = object::parent_path(tree_.objects[provider].path);
  if (policy_.loader == Loader::windows) return std::string(to);
  if (from.starts_with('/') != to.starts_with('/')) return {};
  const std::string relative = object::relative_path(from, to);
  std::string token = policy_.loader == Loader::dyld ? "@loader_path" : "$ORIGIN";
  if (relative == ".") return token;
  const Instance& own = search_.instances()[search_.instance_of(object)];
  const auto reached = search_.walker().walk(own.origin + (own.origin.empty() ? "" : "/") + relative);
  if (!reached || reached != search_.walker().walk(to)) return {};
  return token + "/" + relative;
}

bool Doctor::is_required(const std::string& from, const std::string& what) const {
  const auto [known, is_new] = required_.try_emplace(from);
  std::set<std::string_view>& reached = known->second;
  if (is_new) {
    std::vector<std::string_view> todo{known->first};
    while (!todo.empty()) {
      const std::string_view one = todo.back();
      todo.pop_back();
      for (const auto& [needer, needed] : tree_.requires_edges) {
        if (needer == one && reached.insert(needed).second) todo.emplace_back(needed);
      }
    }
  }
  return reached.contains(what);
}

// A path that would do in a copied tree, and does not here.
bool Doctor::judge_links(LinkVerdict& verdict, std::size_t name) const {
  if (tree_.links.empty() || !is_elf(policy_)) return false;
  const ObjectFacts& facts = *tree_.objects[verdict.object].facts;
  const std::optional<std::string>& list = facts.runpath ? facts.runpath : facts.rpath;
  if (!list) return false;
  const std::string origin(object::parent_path(tree_.objects[verdict.object].path));
  for (const std::string_view entry : split(*list, ':')) {
    std::string_view rest = entry;
    if (rest.starts_with("${ORIGIN}")) {
      rest.remove_prefix(9);
    } else if (rest.starts_with("$ORIGIN")) {
      rest.remove_prefix(7);
    } else {
      continue;
    }
    const std::string text = (origin.empty() ? "." : origin) + std::string(rest);
    const auto folded = object::fold_path(text);
    if (!folded) continue;
    for (const std::size_t provider : search_.providers(name)) {
      const std::string& path = tree_.objects[provider].path;
      if (object::parent_path(path) != *folded || object::base_name(path) != verdict.name) continue;
      verdict.kind = Kind::broken_by_link;
      verdict.provider = provider;
      verdict.by = entry;
      search_.walker().walk(text, &verdict.crossed);
      return true;
    }
  }
  return false;
}

bool Doctor::judge_tree(LinkVerdict& verdict, std::size_t name, const Instance& needer) const {
  const std::string& own = tree_.objects[needer.object].distribution;
  const auto rank = [&](std::size_t provider) {
    const std::string& theirs = tree_.objects[provider].distribution;
    return theirs == own ? 0 : is_required(own, theirs) ? 1 : 2;
  };
  std::optional<std::size_t> best;
  bool several = false;
  for (const std::size_t provider : search_.providers(name)) {
    if (provider == verdict.object || !search_.takes_part(provider)) continue;
    // A search goes by file names; a soname alone is only met by what is loaded already.
    const bool by_file =
        ascii_iequal(object::base_name(tree_.objects[provider].path), object::base_name(verdict.name));
    const bool by_soname = tree_.objects[provider].facts->soname == verdict.name;
    if (!by_file && !by_soname) continue;
    if (!best || rank(provider) < rank(*best)) {
      best = provider;
      several = false;
    } else if (rank(provider) == rank(*best) && rank(provider) == 2) {
      several = true;
    }
  }
  if (!best) return false;
  // A library of an unrelated distribution is no answer to what every system has.
  if (rank(*best) == 2 && find_system_library(verdict.name)) return false;
  verdict.provider = best;
  const bool by_file =
      ascii_iequal(object::base_name(tree_.objects[*best].path), object::base_name(verdict.name));
  // dyld looks into lists for names that begin so, and for no others.
  const bool searched = policy_.loader != Loader::dyld || verdict.name.starts_with("@rpath/");
  if (by_file && !several && searched) verdict.fix = entry_to(verdict.object, *best);
  const bool by_soname = tree_.objects[*best].facts->soname == verdict.name;
  const bool loads_first = rank(*best) == 1 || (rank(*best) == 0 && policy_.loader == Loader::windows);
  const bool counts = policy_.loader == Loader::glibc || policy_.loader == Loader::dyld
                          ? by_soname
                          : policy_.loader == Loader::windows;
  verdict.kind = loads_first && counts ? Kind::preloaded : Kind::out_of_reach;
  return true;
}

bool Doctor::judge_system(LinkVerdict& verdict) const {
  const auto listed = [&] {
    return policy_.system_libraries &&
           std::find(policy_.system_libraries->begin(), policy_.system_libraries->end(), verdict.name) !=
               policy_.system_libraries->end();
  };
  if (listed()) {
    verdict.kind = Kind::system;
    verdict.by = "the target system";
    return true;
  }
  const object::Expectation expectation = object::find_expectation(verdict.name, policy_);
  switch (expectation.kind) {
    case object::Expectation::Kind::unknown:
      return false;
    case object::Expectation::Kind::wrong_libc:
      verdict.kind = Kind::not_found;
      verdict.by = policy_.loader == Loader::musl ? "built for glibc" : "built for musl";
      return true;
    case object::Expectation::Kind::interpreter:
      // A program that is known not to have it will not get it.
      if (!policy_.program_libraries.empty() && verdict.name.starts_with("libpython")) return false;
      verdict.kind = Kind::interpreter;
      return true;
    case object::Expectation::Kind::base:
      verdict.kind = policy_.system_libraries && is_elf(policy_) ? Kind::expected : Kind::system;
      break;
    case object::Expectation::Kind::common:
      verdict.kind = Kind::expected;
      break;
    case object::Expectation::Kind::driver:
      verdict.kind = Kind::driver;
      break;
  }
  verdict.package = expectation.package;
  return true;
}

LinkVerdict Doctor::judge_missing(std::size_t object, std::size_t name, const Outcome& outcome) const {
  LinkVerdict verdict;
  verdict.object = object;
  verdict.name = search_.name(name);
  const Instance& needer = search_.instances()[search_.instance_of(object)];
  if (judge_links(verdict, name)) return verdict;
  // What the whole world has is taken from there, whoever else brings one too.
  const bool everywhere =
      object::find_expectation(verdict.name, policy_).kind == object::Expectation::Kind::base &&
      judge_system(verdict);
  if (everywhere || judge_tree(verdict, name, needer) || judge_system(verdict)) return verdict;
  if (outcome.wrong_machine != none) {
    verdict.kind = Kind::wrong_machine;
    verdict.provider = search_.instances()[outcome.wrong_machine].object;
    return verdict;
  }
  verdict.kind = Kind::not_found;
  for (const auto& dir : *needer.paths) verdict.searched.push_back(dir.shown);
  for (const auto& dir : search_.extra_dirs()) verdict.searched.push_back(dir.shown);
  return verdict;
}

void Doctor::judge_versions(std::size_t object, std::vector<LinkVerdict>& verdicts) const {
  if (policy_.libc_version.empty()) return;
  const ObjectFacts& facts = *tree_.objects[object].facts;
  LinkVerdict verdict;
  verdict.object = object;
  verdict.kind = Kind::libc_too_old;
  if (policy_.loader == Loader::dyld) {
    if (facts.minimum_os.empty() || object::compare_dotted(facts.minimum_os, policy_.libc_version) <= 0)
      return;
    verdict.name = "macOS " + facts.minimum_os;
    verdicts.push_back(std::move(verdict));
    return;
  }
  if (policy_.loader != Loader::glibc) return;
  std::string highest;
  for (const std::string_view need : facts.version_needs) {
    const std::size_t colon = need.find(":GLIBC_");
    if (colon == std::string_view::npos) continue;
    const std::string_view version = need.substr(colon + 7);
    if (version.empty() || !is_digit(version.front())) continue;  // GLIBC_PRIVATE, GLIBC_ABI_DT_RELR
    if (highest.empty() || object::compare_dotted(version, highest) > 0) {
      highest = version;
      verdict.by = need.substr(0, colon);
    }
  }
  if (highest.empty() || object::compare_dotted(highest, policy_.libc_version) <= 0) return;
  verdict.name = "GLIBC_" + highest;
  verdicts.push_back(std::move(verdict));
}

void Doctor::add_suspicious(std::size_t object, LinkReport& report) const {
  if (!is_elf(policy_)) return;
  const ObjectFacts& facts = *tree_.objects[object].facts;
  const std::optional<std::string>& list = facts.runpath ? facts.runpath : facts.rpath;
  if (!list || list->empty()) return;
  for (const std::string_view entry : split(*list, ':')) {
    if (const auto kind = object::find_suspicion(entry))
      report.suspicious.push_back({object, std::string(entry), *kind});
  }
}

// The objects in whose runs something may be found that was not found alone: those from which needs lead, by
// name, to an object that misses what the tree has.
std::vector<std::size_t> Doctor::roots_to_run(const std::vector<std::vector<Outcome>>& own) const {
  std::vector<bool> reached(tree_.objects.size());
  std::vector<std::size_t> queue;
  for (std::size_t i = 0; i < own.size(); ++i) {
    for (std::size_t k = 0; k < own[i].size() && !reached[i]; ++k) {
      const std::size_t name = search_.instances()[search_.instance_of(i)].needs[k];
      if (own[i][k].how != Outcome::How::missing || search_.providers(name).empty()) continue;
      reached[i] = true;
      queue.push_back(i);
    }
  }
  if (queue.empty()) return {};
  std::vector<std::vector<std::size_t>> needed_by(tree_.objects.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    for (std::size_t k = 0; k < own[i].size(); ++k) {
      const std::size_t name = search_.instances()[search_.instance_of(i)].needs[k];
      for (const std::size_t provider : search_.providers(name)) needed_by[provider].push_back(i);
    }
  }
  for (std::size_t at = 0; at < queue.size(); ++at) {
    for (const std::size_t i : needed_by[queue[at]]) {
      if (reached[i]) continue;
      reached[i] = true;
      queue.push_back(i);
    }
  }
  std::sort(queue.begin(), queue.end());
  return queue;
}

LinkReport Doctor::run() {
  LinkReport report;
  // For each object, the outcome of its needs as a root; then what others make of it.
  std::vector<std::vector<Outcome>> own(tree_.objects.size());
  std::vector<std::vector<SeenFromOthers>> seen(tree_.objects.size());
  for (std::size_t i = 0; i < tree_.objects.size(); ++i) {
    const LinkObject& object = tree_.objects[i];
    if (object.facts != nullptr && !object.facts->error.empty()) {
      report.damaged.push_back(i);
    } else if (!search_.takes_part(i)) {
      report.foreign.push_back(i);
    } else {
      own[i].resize(search_.instances()[search_.instance_of(i)].needs.size());
      seen[i].resize(own[i].size());
    }
  }
  for (std::size_t i = 0; i < tree_.objects.size(); ++i) {
    if (!search_.takes_part(i)) continue;
    search_.load_alone(search_.instance_of(i),
                       [&](std::size_t, std::size_t k, const Outcome& outcome) { own[i][k] = outcome; });
  }
  for (const std::size_t i : roots_to_run(own)) {
    const std::size_t root = search_.instance_of(i);
    search_.load(root, [&](std::size_t instance, std::size_t k, const Outcome& outcome) {
      if (instance == root) return;
      SeenFromOthers& others = seen[search_.instances()[instance].object][k];
      if (outcome.how == Outcome::How::missing) {
        ++others.missed;
        return;
      }
      if (++others.found > 1) return;
      if (outcome.provider != none) others.provider = search_.instances()[outcome.provider].object;
      others.by = words_for(outcome);
      for (const std::size_t link : search_.chain_to(instance)) {
        others.chain.push_back(search_.instances()[link].object);
      }
    });
  }
  for (std::size_t i = 0; i < tree_.objects.size(); ++i) {
    if (!search_.takes_part(i)) continue;
    const Instance& instance = search_.instances()[search_.instance_of(i)];
    for (std::size_t k = 0; k < own[i].size(); ++k) {
      const Outcome& outcome = own[i][k];
      if (outcome.how != Outcome::How::missing) {
        report.verdicts.push_back(judge_found(i, instance.needs[k], outcome));
        continue;
      }
      LinkVerdict verdict = judge_missing(i, instance.needs[k], outcome);
      const SeenFromOthers& others = seen[i][k];
      if (severity_of(verdict.kind) != Severity::note && others.found > 0 && others.missed == 0 &&
          !is_extension_module(tree_.objects[i].path)) {
        verdict.kind = Kind::inherited;
        verdict.provider = others.provider == none ? std::nullopt : std::optional(others.provider);
        verdict.by = others.by;
        verdict.chain = others.chain;
        if (verdict.provider) verdict.fix = entry_to(i, *verdict.provider);
      }
      report.verdicts.push_back(std::move(verdict));
    }
    judge_versions(i, report.verdicts);
    add_suspicious(i, report);
  }
  return report;
}

}  // namespace

LinkReport find_links(const LinkTree& tree, const LinkPolicy& policy) { return Doctor(tree, policy).run(); }

std::vector<std::string> find_crossing_directories(const LinkTree& tree, const LinkPolicy& policy) {
  std::set<std::string> directories;
  LinkSearch search(tree, policy);
  const auto add = [&](std::string_view origin, std::string_view entry) {
    std::vector<std::string_view> at;
    for (const std::string_view part : split(origin, '/')) {
      if (!part.empty()) at.push_back(part);
    }
    const std::size_t slash = entry.find('/');
    if (!entry.starts_with('$') && !entry.starts_with('@')) return;
    if (slash == std::string_view::npos) return;
    for (const std::string_view part : split(entry.substr(slash), '/')) {
      if (part.empty() || part == ".") continue;
      if (part != "..") {
        at.push_back(part);
        continue;
      }
      if (at.empty()) return;
      std::string left;
      for (const std::string_view each : at) (left += left.empty() ? "" : "/") += each;
      directories.insert(std::move(left));
      at.pop_back();
    }
  };
  // A path that leads to another distribution's libraries counts without a need as well: dlopen of a bare
  // name searches it.
  std::map<std::string_view, std::set<std::string_view>> distributions;
  for (const Instance& instance : search.instances())
    distributions[instance.origin].insert(tree.objects[instance.object].distribution);
  for (const Instance& instance : search.instances()) {
    if (!search.takes_part(instance.object)) continue;
    const std::string_view own = tree.objects[instance.object].distribution;
    for (const object::SearchDir& dir : *instance.paths) {
      const auto there = dir.dir == none ? distributions.end() : distributions.find(dir.shown);
      if (there == distributions.end()) continue;
      if (there->second.size() > 1 || !there->second.contains(own)) add(instance.origin, dir.entry);
    }
  }
  for (std::size_t i = 0; i < tree.objects.size(); ++i) {
    if (!search.takes_part(i)) continue;
    search.load(search.instance_of(i), [&](std::size_t instance, std::size_t k, const Outcome& outcome) {
      if (outcome.provider == none || outcome.owner == none) return;
      const Instance& owner = search.instances()[outcome.owner];
      const std::size_t provider = search.instances()[outcome.provider].object;
      const std::string& theirs = tree.objects[provider].distribution;
      if (theirs == tree.objects[owner.object].distribution) return;
      add(owner.origin, outcome.how == Outcome::How::direct
                            ? search.name(search.instances()[instance].needs[k])
                            : outcome.entry);
    });
  }
  return {directories.begin(), directories.end()};
}

}  // namespace axle
