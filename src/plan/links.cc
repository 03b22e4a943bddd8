// The plan as the link doctor sees it.

#include "axle/plan/links.h"

#include <algorithm>
#include <map>

#include "axle/base/error.h"
#include "axle/object/rpath_edit.h"
#include "axle/pep/name.h"
#include "axle/pep/requirement.h"
#include "base/text.h"
#include "plan/passes.h"
#include "plan/path_tree.h"

namespace axle {
namespace {

// Only these are loaded or started through a loader.
bool is_loaded(const ObjectFacts& facts) {
  return facts.kind == ObjectFacts::Kind::shared_library || facts.kind == ObjectFacts::Kind::executable ||
         !facts.error.empty();
}

std::string place_in_store(const WheelFacts& wheel, std::string_view wheels, Scheme scheme,
                           const std::string& below) {
  return std::string(wheels) + "/" + wheel.store_id().hex() + "/tree/" + std::string(tree_prefix(scheme)) +
         (below.empty() ? "" : "/" + below);
}

// What an edit would make of the facts.
void set_rpaths(ObjectFacts& facts, const std::vector<std::string>& rpaths) {
  if (facts.format == ObjectFacts::Format::macho) {
    facts.rpaths = rpaths;
    return;
  }
  std::string list;
  for (const std::string& entry : rpaths) (list += list.empty() ? "" : ":") += entry;
  (facts.rpath && !facts.runpath ? facts.rpath : facts.runpath) = list;
}

class Description {
 public:
  Description(const Plan& plan, std::string_view wheels) : plan_(plan), wheels_(wheels) {}

  PlannedLinks run() {
    links_.tree.root = plan_.layout.root;
    links_.tree.links = describe_linked_paths(plan_, wheels_);
    for (const Entry& entry : plan_.entries) add(entry);
    sort();
    add_requirements();
    return std::move(links_);
  }

 private:
  struct Found {
    std::string path;
    DistId owner;
    StoreFile file;
    const ObjectFacts* facts;
  };

  const WheelFacts& facts(DistId id) const { return plan_.dists[id].facts; }

  void add_object(std::string path, DistId owner, const StoreFile& file, std::size_t index,
                  const Patched* patched) {
    ObjectFacts object = facts(file.wheel).object(index);
    if (!is_loaded(object)) return;
    if (patched != nullptr) set_rpaths(object, patched->rpaths);
    links_.facts.push_back(std::move(object));
    found_.push_back({std::move(path), owner, file, &links_.facts.back()});
  }

  void add_file(const Entry& entry, const StoreFile& file, const Patched* patched) {
    const WheelFacts& wheel = facts(file.wheel);
    const FileFact& fact = wheel.file(file.file);
    if (!fact.has(file_flag::native)) return;
    const auto index = wheel.object_of(file.file);
    if (!index) return;
    add_object(entry.path.str(), entry.owner, file, *index, patched);
  }

  void add_tree(const Entry& entry, const StoreTree& tree) {
    const WheelFacts& wheel = facts(tree.wheel);
    const DirFact& dir = wheel.dir(tree.dir);
    if (!dir.has(dir_flag::native)) return;
    const std::string below = wheel.dir_path(tree.dir);
    // Objects are sorted by file, and the files below a directory are contiguous.
    std::size_t first = 0, last = wheel.object_count();
    while (first < last) {
      const std::size_t middle = first + (last - first) / 2;
      if (wheel.object_file(middle) < dir.first_file) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    for (; first < wheel.object_count() && wheel.object_file(first) < dir.file_end; ++first) {
      const std::uint32_t file = wheel.object_file(first);
      const std::string whole = wheel.path_of(file);
      const std::string rest = below.empty() ? "/" + whole : whole.substr(below.size());
      add_object(entry.path.str() + rest, entry.owner, {tree.wheel, file}, first, nullptr);
    }
  }

  void add(const Entry& entry) {
    if (entry.owner == environment_itself) return;
    if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
      add_tree(entry, *tree);
    } else if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      add_file(entry, *file, nullptr);
    } else if (const auto* patched = std::get_if<Patched>(&entry.content)) {
      add_file(entry, patched->from, patched);
    }
  }

  void sort() {
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.path < b.path; });
    for (Found& one : found_) {
      links_.tree.objects.push_back({std::move(one.path), plan_.dists[one.owner].name, one.facts});
      links_.files.push_back(one.file);
    }
  }

  // By name alone: what is required under some condition, and is there, can be imported first.
  void add_requirements() {
    if (found_.empty()) return;
    std::map<std::string, bool> present;
    for (const Dist& dist : plan_.dists) present.emplace(dist.name, true);
    for (const Dist& dist : plan_.dists) {
      for (const std::string_view text : dist.facts.requires_dist()) {
        // A requirement begins with its name; the rest is judged where requirements are.
        std::string name = normalize_name(text.substr(0, text.find_first_of(" \t([<>=!~;@")));
        if (present.contains(name)) links_.tree.requires_edges.emplace_back(dist.name, std::move(name));
      }
    }
  }

  const Plan& plan_;
  std::string_view wheels_;
  PlannedLinks links_;
  std::vector<Found> found_;
};

// "2.28" of "manylinux_2_28_x86_64", "14.0" of "macosx_14_0_arm64"; the legacy names of PEP 600.
std::string libc_version_of(std::string_view platform) {
  if (platform.starts_with("manylinux1_")) return "2.5";
  if (platform.starts_with("manylinux2010_")) return "2.12";
  if (platform.starts_with("manylinux2014_")) return "2.17";
  const std::vector<std::string_view> parts = split(platform, '_');
  if (parts.size() < 4 || (parts[0] != "manylinux" && parts[0] != "macosx")) return {};
  return std::string(parts[1]) + "." + std::string(parts[2]);
}

// Architectures of platform tags as facts of objects name them; "" for none and for several.
std::string machine_of(std::string_view arch) {
  if (arch == "amd64" || arch == "intel") return "x86_64";
  if (arch == "x86" || arch == "win32" || arch == "i386") return "i686";
  if (arch == "universal2" || arch == "any") return "";
  return std::string(arch);
}

}  // namespace

std::vector<LinkedPath> describe_linked_paths(const Plan& plan, std::string_view wheels) {
  std::vector<LinkedPath> links;
  for (const Entry& entry : plan.entries) {
    if (entry.lay != Lay::link) continue;
    if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
      const WheelFacts& wheel = plan.dists[tree->wheel].facts;
      const DirFact& dir = wheel.dir(tree->dir);
      if (!dir.has(dir_flag::native)) continue;
      links.push_back(
          {entry.path.str(), place_in_store(wheel, wheels, dir.scheme, wheel.dir_path(tree->dir))});
    } else if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      const WheelFacts& wheel = plan.dists[file->wheel].facts;
      const FileFact& fact = wheel.file(file->file);
      if (!fact.has(file_flag::native)) continue;
      links.push_back({entry.path.str(),
                       place_in_store(wheel, wheels, wheel.scheme_of(fact), wheel.path_of(file->file))});
    }
  }
  return links;
}

PlannedLinks describe_links(const Plan& plan, std::string_view wheels) {
  return Description(plan, wheels).run();
}

PlannedLinks describe_links(const WheelFacts& wheel) {
  Plan plan;
  plan.dists.push_back({wheel,
                        std::string(wheel.normalized()),
                        std::string(wheel.version()),
                        RelPath::parse(wheel.dist_info()),
                        false,
                        std::nullopt,
                        true,
                        {}});
  for (const Scheme scheme : {Scheme::purelib, Scheme::platlib, Scheme::scripts}) {
    const auto root = wheel.root(scheme);
    if (!root) continue;
    for (const TreeChild& child : children_of(wheel, StoreTree{0, *root})) {
      const std::string path = (is_lib(scheme) ? "" : "bin/") + std::string(child.name);
      plan.entries.push_back({RelPath::parse(path), 0, {}, child.content, child.executable, Lay::file, {}});
    }
  }
  return describe_links(plan);
}

LinkPolicy target_link_policy(const Interpreter& interpreter) {
  LinkPolicy policy;
  policy.libc_version = libc_version_of(interpreter.platform);
  policy.machine = machine_of(interpreter.arch);
  switch (interpreter.os) {
    case Os::macos:
      policy.loader = LinkPolicy::Loader::dyld;
      break;
    case Os::windows:
      policy.loader = LinkPolicy::Loader::windows;
      break;
    case Os::linux:
    case Os::other:
      policy.loader = interpreter.libc == Libc::musl ? LinkPolicy::Loader::musl : LinkPolicy::Loader::glibc;
      break;
  }
  return policy;
}

LinkPolicy platform_link_policy(std::string_view platform) {
  LinkPolicy policy;
  policy.libc_version = libc_version_of(platform);
  const auto after = [&](std::size_t underscores) {
    std::string_view rest = platform;
    for (; underscores > 0 && !rest.empty(); --underscores) {
      const std::size_t at = rest.find('_');
      rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
    }
    return machine_of(rest);
  };
  if (platform.starts_with("macosx_")) {
    policy.loader = LinkPolicy::Loader::dyld;
    policy.machine = after(3);
  } else if (platform.starts_with("win")) {
    policy.loader = LinkPolicy::Loader::windows;
    policy.machine = platform == "win32" ? "i686" : after(1);
  } else if (platform.starts_with("musllinux_")) {
    policy.loader = LinkPolicy::Loader::musl;
    policy.machine = after(3);
  } else if (platform.starts_with("manylinux_")) {
    policy.machine = after(3);
  } else if (platform.starts_with("manylinux") || platform.starts_with("linux_")) {
    policy.machine = after(1);
  }
  return policy;
}

}  // namespace axle
