// Which extras and groups are on, and whether the lock is for this target at all.

#include <algorithm>

#include "axle/pep/name.h"
#include "base/text.h"
#include "plan/select_parts.h"

namespace axle::selection {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string known_hint(std::string_view what, const std::vector<std::string>& names) {
  if (names.empty()) return "the lock has no " + std::string(what);
  return "the lock has the " + std::string(what) + " " + listed(names);
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The names that the command line of pipenv uses for two of its categories.
std::string group_name(const Lock& lock, const std::string& text) {
  std::string name = normalize_name(text);
  if (lock.format == LockFormat::pipfile && name == "packages") return "default";
  if (lock.format == LockFormat::pipfile && name == "dev-packages") return "develop";
  return name;
}

// What a platform tag of pdm.lock and one of wheels have in common.
struct PlatformParts {
  std::string family;  // "manylinux", "musllinux", "macos", "windows"
  std::string machine;
};

PlatformParts platform_parts(std::string_view tag) {
  PlatformParts parts;
  struct Family {
    std::string_view start;
    std::string_view name;
  };
  static constexpr Family families[] = {
      {"manylinux", "manylinux"}, {"musllinux", "musllinux"}, {"linux", "manylinux"}, {"alpine", "musllinux"},
      {"macosx", "macos"},        {"macos", "macos"},         {"windows", "windows"}, {"win", "windows"},
  };
  for (const Family& family : families) {
    if (!tag.starts_with(family.start)) continue;
    parts.family = family.name;
    tag.remove_prefix(family.start.size());
    break;
  }
  if (tag == "32" && parts.family == "windows") {
    parts.machine = "x86";
    return parts;
  }
  // Behind the family come numbers ("_2_40", "2014") and then the machine.
  while (!tag.empty() && (tag.front() == '_' || is_digit(tag.front()))) tag.remove_prefix(1);
  parts.machine = ascii_lower(tag);
  if (parts.machine == "amd64") parts.machine = "x86_64";
  if (parts.machine == "arm64") parts.machine = "aarch64";
  return parts;
}

// As pdm compares them: the family and the machine; the version of the libc or of macOS only warns there.
bool fits(const LockTarget& target, const TagTarget& wanted) {
  if (!target.implementation.empty()) {
    const std::string name = ascii_lower(target.implementation);
    const std::string own = wanted.implementation == "cp"   ? "cpython"
                            : wanted.implementation == "pp" ? "pypy"
                                                            : wanted.implementation;
    if (name != own) return false;
  }
  if (target.platform.empty()) return true;
  const PlatformParts a = platform_parts(target.platform);
  const PlatformParts b = platform_parts(wanted.platform);
  return a.family == b.family && (a.machine.empty() || a.machine == b.machine);
}

}  // namespace

ActiveParts find_parts(const Lock& lock, const Wanted& wanted, Problems& problems) {
  ActiveParts parts;
  for (const std::string& text : wanted.extras) {
    const std::string extra = normalize_name(text);
    if (!contains(lock.extras, extra)) {
      problems.push_back({ProblemKind::extra, "", "extra " + quoted(text) + " does not exist",
                          known_hint("extras", lock.extras), lock.place({0, 0, 0})});
    }
    parts.extras.insert(extra);
  }
  if (wanted.all_extras) parts.extras.insert(lock.extras.begin(), lock.extras.end());

  const auto checked = [&](const std::vector<std::string>& names) {
    std::set<std::string> result;
    for (const std::string& text : names) {
      const std::string group = group_name(lock, text);
      if (!contains(lock.groups, group) && group != lock.base_group) {
        problems.push_back({ProblemKind::group, "", "group " + quoted(text) + " does not exist",
                            known_hint("groups", lock.groups), lock.place({0, 0, 0})});
      }
      result.insert(group);
    }
    return result;
  };
  if (wanted.exact_groups) {
    parts.groups = checked(*wanted.exact_groups);
    return parts;
  }
  const std::set<std::string> only = checked(wanted.only_groups);
  parts.groups = checked(wanted.groups);
  const std::set<std::string> excluded = checked(wanted.excluded_groups);
  if (!only.empty()) {
    parts.groups.insert(only.begin(), only.end());
    parts.base = !lock.base_group.empty() && only.contains(lock.base_group);
  } else {
    if (wanted.default_groups) parts.groups.insert(lock.default_groups.begin(), lock.default_groups.end());
    if (wanted.all_groups) parts.groups.insert(lock.groups.begin(), lock.groups.end());
  }
  for (const std::string& group : excluded) {
    parts.groups.erase(group);
    if (group == lock.base_group) parts.base = false;
  }
  return parts;
}

void check_target(const Lock& lock, const SelectionRequest& request, const ActiveParts& parts,
                  Problems& problems) {
  const Version python = python_version(request);
  if (!lock.requires_python.contains(python)) {
    problems.push_back(
        {ProblemKind::requires_python, "",
         "the lock is for Python " + lock.requires_python.text + ", and the target has " + python.str(),
         "choose another interpreter with --python", lock.place(lock.requires_python_place)});
    return;
  }
  if (!lock.targets.empty()) {
    const auto has_python = [&](const LockTarget& one) { return one.requires_python.contains(python); };
    const auto is_met = [&](const LockTarget& one) { return has_python(one) && fits(one, request.target); };
    std::string pythons;
    std::string platforms;
    for (const LockTarget& one : lock.targets) {
      pythons += (pythons.empty() ? "" : " or ") + one.requires_python.text;
      platforms += (platforms.empty() ? "" : ", ") + one.platform;
    }
    if (std::none_of(lock.targets.begin(), lock.targets.end(), has_python)) {
      problems.push_back({ProblemKind::requires_python, "",
                          "the lock is for Python " + pythons + ", and the target has " + python.str(),
                          "choose another interpreter with --python",
                          lock.place(lock.targets.front().place)});
      return;
    }
    if (std::none_of(lock.targets.begin(), lock.targets.end(), is_met)) {
      problems.push_back({ProblemKind::no_target, "",
                          "the lock was made for " + platforms + ", not for " + request.target.platform,
                          "lock for this platform too (`pdm lock --append --platform ...`)",
                          lock.place(lock.targets.front().place)});
    }
  }
  if (!lock.environments.empty()) {
    Verdicts verdicts(lock, marker_environment(lock, request, parts));
    const bool any = std::any_of(lock.environments.begin(), lock.environments.end(),
                                 [&](MarkerId id) { return verdicts.holds(id); });
    if (!any) {
      std::string text;
      for (const MarkerId id : lock.environments) {
        if (id != no_marker) text += (text.empty() ? "" : " or ") + lock.markers[id].text;
      }
      const MarkerId first = lock.environments.front();
      problems.push_back({ProblemKind::no_target, "",
                          "the lock was made for environments with " + text + ", not for Python " +
                              python.str() + " on " + request.target.platform,
                          "lock for this environment too", lock.place(lock.markers[first].place)});
    }
  }
}

MarkerEnvironment marker_environment(const Lock& lock, const SelectionRequest& request,
                                     const ActiveParts& parts) {
  MarkerEnvironment environment = request.environment;
  environment.extra.reset();
  environment.extra_mode = lock.extra_mode;
  environment.extras = parts.extras;
  environment.dependency_groups = parts.groups;
  return environment;
}

Version python_version(const SelectionRequest& request) {
  const auto found = request.environment.variables.find("python_full_version");
  std::string text = found == request.environment.variables.end() ? "" : found->second;
  // A build from a work tree calls itself "3.14.0a1+".
  if (text.ends_with('+')) text += "local";
  const auto version = Version::try_parse(text);
  if (!version) throw Error(ErrorCode::bad_input, "python_full_version " + quoted(text) + " is no version");
  return *version;
}

Verdicts::Verdicts(const Lock& lock, MarkerEnvironment environment)
    : lock_(lock),
      environment_(std::move(environment)),
      context_(environment_),
      known_(lock.markers.size(), static_cast<signed char>(-1)) {}

bool Verdicts::holds(MarkerId id) {
  if (id == no_marker) return true;
  signed char& known = known_.at(id);
  if (known < 0) {
    try {
      known = lock_.markers[id].marker.evaluate(context_) ? 1 : 0;
    } catch (const Error& error) {
      throw Error(error.code(), lock_.place(lock_.markers[id].place), error.message(), error.hint());
    }
  }
  return known == 1;
}

bool Verdicts::holds_with(MarkerId id, const std::set<std::string>& extras) const {
  if (id == no_marker) return true;
  MarkerEnvironment environment = environment_;
  environment.extras = extras;
  environment.extra_mode = ExtraMode::set;
  try {
    return lock_.markers.at(id).marker.evaluate(environment);
  } catch (const Error& error) {
    throw Error(error.code(), lock_.place(lock_.markers[id].place), error.message(), error.hint());
  }
}

}  // namespace axle::selection
