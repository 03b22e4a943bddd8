// Which file of a package a target gets.

#include <algorithm>
#include <map>

#include "axle/pep/name.h"
#include "axle/pep/wheel_filename.h"
#include "base/text.h"
#include "plan/select_parts.h"

namespace axle {
namespace selection {
namespace {

// The compressed tag sets at the end of a wheel's name. A lock lists thousands of wheels, so that names are
// taken apart fully only where they fit.
struct NameTags {
  std::string_view python;
  std::string_view abi;
  std::string_view platform;
};

std::optional<NameTags> name_tags(std::string_view file_name) {
  if (file_name.size() < 5 || !ascii_iequal(file_name.substr(file_name.size() - 4), ".whl"))
    return std::nullopt;
  file_name.remove_suffix(4);
  NameTags tags;
  for (std::string_view* part : {&tags.platform, &tags.abi, &tags.python}) {
    const auto dash = file_name.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    *part = file_name.substr(dash + 1);
    file_name = file_name.substr(0, dash);
  }
  return tags;
}

// A wheel that fits, as it compares with others: rank, then the highest build, then the name.
struct Fitting {
  std::size_t index = 0;
  std::size_t rank = 0;
  WheelFilename name;
  bool known = false;  // one of the wanted hashes is its own
};

// "1.0" and "1.0+cpu" for "==1.0": pip and uv take the highest. Where hashes are wanted and the offer names
// none, the version as it is written is the likelier.
bool is_likelier(const Fitting& a, const Fitting& b, bool hashes_wanted) {
  if (a.known != b.known) return a.known;
  const bool highest = !hashes_wanted || a.known;
  return highest ? b.name.version < a.name.version : a.name.version < b.name.version;
}

bool is_better(const Fitting& a, const Fitting& b) {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.name.build != b.name.build) return b.name.build < a.name.build;
  return false;
}

std::string joined(const std::vector<std::string>& parts, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < parts.size() && i < most; ++i) text += (i == 0 ? "" : ", ") + parts[i];
  if (parts.size() > most) text += " and " + std::to_string(parts.size() - most) + " more";
  return text;
}

}  // namespace

std::optional<std::size_t> best_wheel(const Lock& lock, const LockPackage& package, const TagSet& tags) {
  std::optional<Fitting> best;
  for (std::size_t i = 0; i < package.wheels.size(); ++i) {
    const FileRef& file = package.wheels[i];
    const auto parts = name_tags(file.name);
    if (!parts) continue;
    const auto rank = tags.best_rank(parts->python, parts->abi, parts->platform);
    if (!rank || (best && *rank > best->rank)) continue;
    auto name = WheelFilename::try_parse(file.name);
    if (!name) continue;
    if (name->name != package.name) {
      throw Error(ErrorCode::bad_input, lock.place(file.place),
                  quoted(file.name) + " is a wheel of " + name->name + ", not of " + package.name);
    }
    const auto version = Version::try_parse(package.version);
    if (version && compare_public(*version, name->version) != 0) {
      throw Error(ErrorCode::bad_input, lock.place(file.place),
                  quoted(file.name) + " is a wheel of version " + name->version.str() + ", not of " +
                      package.version);
    }
    Fitting fitting{i, *rank, std::move(*name), false};
    const bool tie = best && best->rank == fitting.rank && best->name.build == fitting.name.build;
    if (!best || is_better(fitting, *best) || (tie && file.name < package.wheels[best->index].name)) {
      best = std::move(fitting);
    }
  }
  return best ? std::optional(best->index) : std::nullopt;
}

std::string describe_target(const TagTarget& target) {
  const auto parts = split(target.python, '.');
  std::string python(parts[0]);
  if (parts.size() > 1) python += parts[1];
  return target.implementation + python + (target.free_threaded ? "t" : "") + " on " + target.platform;
}

std::string describe_wheels(const std::vector<std::string>& file_names) {
  // Platforms by Python and ABI, in the order of the lock.
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const std::string& file_name : file_names) {
    const auto tags = name_tags(file_name);
    if (!tags) continue;
    const std::string python = std::string(tags->python) + "-" + std::string(tags->abi);
    auto group =
        std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.first == python; });
    if (group == groups.end()) group = groups.insert(groups.end(), {python, {}});
    const std::string platform(tags->platform.substr(0, tags->platform.find('.')));
    auto& platforms = group->second;
    if (std::find(platforms.begin(), platforms.end(), platform) == platforms.end())
      platforms.push_back(platform);
  }
  std::vector<std::string> texts;
  for (const auto& [python, platforms] : groups) texts.push_back(python + " on " + joined(platforms, 6));
  return joined(texts, 4);
}

}  // namespace selection

namespace {

enum class Match { yes, no, unknown };

}  // namespace

std::size_t choose_candidate(const Pin& pin, std::span<const Candidate> candidates,
                             const SelectionRequest& request) {
  const auto version = Version::try_parse(pin.version);
  const Version python = selection::python_version(request);
  const std::vector<Hash>& wanted = pin.wheel ? pin.wheel->hashes : pin.hashes;
  // Only algorithms that both sides have can tell files apart; the bytes are checked when they arrive.
  const auto compare_hashes = [&](const std::vector<Hash>& hashes) {
    bool comparable = false;
    for (const Hash& hash : hashes) {
      for (const Hash& one : wanted) {
        if (hash == one) return Match::yes;
        comparable = comparable || hash.algorithm == one.algorithm;
      }
    }
    return comparable ? Match::no : Match::unknown;
  };
  const auto is_wanted = [&](const WheelFilename& name) {
    if (name.name != pin.name) return false;
    if (pin.version.empty()) return true;
    if (!version) return pin.version == name.raw_version;
    return pin.any_local && version->local().empty() ? compare_public(*version, name.version) == 0
                                                     : *version == name.version;
  };
  std::vector<std::string> unfit;
  bool sdist = false;
  bool other_hash = false;
  std::string other_python;
  std::optional<selection::Fitting> best;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    auto name = WheelFilename::try_parse(candidate.file_name);
    if (!name) {
      const auto source = SdistFilename::try_parse(candidate.file_name);
      sdist = sdist || (source && source->name == pin.name && version && source->version == *version);
      continue;
    }
    if (!is_wanted(*name)) continue;
    const Match match = compare_hashes(candidate.hashes);
    if (match == Match::no) {
      other_hash = true;
      continue;
    }
    if (const auto range = SpecifierSet::try_parse(candidate.requires_python);
        range && !range->contains(python, true)) {
      other_python = candidate.requires_python;
      continue;
    }
    const auto rank = request.tags.best_rank(name->python, name->abi, name->platform);
    if (!rank) {
      unfit.push_back(candidate.file_name);
      continue;
    }
    selection::Fitting fitting{i, *rank, std::move(*name), match == Match::yes};
    if (best && best->name.version != fitting.name.version) {
      if (selection::is_likelier(fitting, *best, !wanted.empty())) best = std::move(fitting);
      continue;
    }
    const bool tie = best && best->rank == fitting.rank && best->name.build == fitting.name.build;
    if (!best || selection::is_better(fitting, *best) ||
        (tie && candidate.file_name < candidates[best->index].file_name)) {
      best = std::move(fitting);
    }
  }
  if (best) {
    const Candidate& chosen = candidates[best->index];
    if (chosen.fault.empty()) return best->index;
    throw Error(ErrorCode::io, pin.place,
                pin.name + " " + pin.version + ": what the index says of " + quoted(chosen.file_name) +
                    " is malformed: " + chosen.fault,
                "check the index URL, or name a directory that has the file (--find-links)");
  }
  const std::string what = "no wheel: " + pin.name + (pin.version.empty() ? "" : " " + pin.version);
  if (!unfit.empty()) {
    throw Error(ErrorCode::no_match, pin.place,
                what + " has wheels for " + selection::describe_wheels(unfit) + "; the target takes " +
                    selection::describe_target(request.target));
  }
  if (!other_python.empty()) {
    throw Error(ErrorCode::no_match, pin.place,
                what + " needs Python " + other_python + "; the target has " + python.str());
  }
  if (other_hash) {
    throw Error(ErrorCode::no_match, pin.place, what + ": no wheel that is offered has a hash of the lock");
  }
  if (sdist) {
    throw Error(ErrorCode::no_match, pin.place, what + " has only a source distribution",
                "build the wheel first, then --find-links");
  }
  throw Error(ErrorCode::no_match, pin.place, what + " was found nowhere");
}

std::vector<Candidate> candidates_of(const Lock& lock) {
  std::vector<Candidate> candidates;
  const auto add = [&](const FileRef& file) {
    Candidate candidate;
    candidate.file_name = file.name;
    candidate.url = file.url;
    candidate.path = file.path;
    candidate.hashes = file.hashes;
    candidate.size = file.size;
    candidates.push_back(std::move(candidate));
  };
  for (const LockPackage& package : lock.packages) {
    for (const FileRef& file : package.wheels) add(file);
    if (package.sdist) add(*package.sdist);
  }
  return candidates;
}

}  // namespace axle
