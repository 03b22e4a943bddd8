#include "axle/plan/select.h"

#include <algorithm>
#include <map>

#include "axle/pep/name.h"
#include "axle/pep/target.h"
#include "axle/pep/wheel_filename.h"
#include "base/text.h"
#include "plan/select_parts.h"

namespace axle {

using selection::ActivePackage;
using selection::ActiveParts;
using selection::Problems;

std::string_view to_string(ProblemKind kind) noexcept {
  switch (kind) {
    case ProblemKind::requires_python:
      return "requires-python";
    case ProblemKind::extra:
      return "extra";
    case ProblemKind::group:
      return "group";
    case ProblemKind::no_target:
      return "no target";
    case ProblemKind::conflict:
      return "conflict";
    case ProblemKind::ambiguous:
      return "ambiguous";
    case ProblemKind::unpinned:
      return "unpinned";
    case ProblemKind::unsatisfied:
      return "unsatisfied";
    case ProblemKind::no_wheel:
      return "no wheel";
  }
  return "problem";
}

namespace {

constexpr const char* build_hint = "build the wheel first, then --find-links";

std::string titled(const LockPackage& package) {
  return package.name + (package.version.empty() ? "" : " " + package.version);
}

bool is_local(const LockPackage& package) {
  return package.source.kind == SourceKind::project || package.source.kind == SourceKind::editable;
}

class Selector {
 public:
  Selector(const Lock& lock, const SelectionRequest& request) : lock_(lock), request_(request) {}

  std::variant<Selection, Problems> run() {
    const ActiveParts parts = selection::find_parts(lock_, request_.wanted, problems_);
    selection::check_target(lock_, request_, parts, problems_);
    // Markers are written for the Pythons and platforms of the lock: on others they mean nothing. A name that
    // does not exist hides nothing else.
    if (std::all_of(problems_.begin(), problems_.end(), [](const SelectionProblem& one) {
          return one.kind == ProblemKind::extra || one.kind == ProblemKind::group;
        })) {
      select_packages(parts);
    }
    if (!problems_.empty()) {
      std::stable_sort(problems_.begin(), problems_.end(),
                       [](const SelectionProblem& a, const SelectionProblem& b) {
                         return a.kind != b.kind ? a.kind < b.kind : a.package < b.package;
                       });
      return std::move(problems_);
    }
    std::sort(selection_.pins.begin(), selection_.pins.end(),
              [](const Pin& a, const Pin& b) { return a.name < b.name; });
    std::sort(selection_.local_projects.begin(), selection_.local_projects.end(),
              [](const LocalProject& a, const LocalProject& b) { return a.name < b.name; });
    return std::move(selection_);
  }

 private:
  void select_packages(const ActiveParts& parts) {
    std::map<std::string, std::vector<ActivePackage>> by_name;
    for (const ActivePackage& active : selection::find_active(lock_, request_, parts, problems_)) {
      by_name[lock_.packages[active.package].name].push_back(active);
    }
    filter(by_name);
    for (const auto& [name, active] : by_name) add(active);
    for (const Diagnostic& note : lock_.notes) selection_.notes.push_back(note);
  }

  void filter(std::map<std::string, std::vector<ActivePackage>>& by_name) {
    for (const std::string& text : request_.exclude) by_name.erase(normalize_name(text));
    if (request_.only.empty()) return;
    std::set<std::string> only;
    for (const std::string& text : request_.only) only.insert(normalize_name(text));
    for (const std::string& name : only) {
      if (by_name.contains(name)) continue;
      problems_.push_back(
          {ProblemKind::unsatisfied, name, "the lock selects no " + name, "", lock_.place({0, 0, 0})});
    }
    std::erase_if(by_name, [&](const auto& item) { return !only.contains(item.first); });
  }

  // Formats that list a package once for each group, extra or line may list it several times over.
  bool may_repeat() const {
    return lock_.format == LockFormat::requirements || lock_.format == LockFormat::pipfile ||
           lock_.format == LockFormat::pdm;
  }

  // All active packages of one name.
  void add(const std::vector<ActivePackage>& active) {
    const LockPackage& first = lock_.packages[active.front().package];
    bool requested = false;
    std::vector<Hash> bag;
    for (const ActivePackage& one : active) {
      const LockPackage& package = lock_.packages[one.package];
      const bool same = may_repeat() && package.version == first.version &&
                        package.source.kind == first.source.kind &&
                        package.source.location == first.source.location;
      if (&package != &first && !same) return report_ambiguous(active);
      requested = requested || one.requested;
      bag.insert(bag.end(), package.hash_bag.begin(), package.hash_bag.end());
    }
    std::sort(bag.begin(), bag.end());
    bag.erase(std::unique(bag.begin(), bag.end()), bag.end());
    add_package(first, requested, std::move(bag));
  }

  void report_ambiguous(const std::vector<ActivePackage>& active) {
    std::string text;
    for (const ActivePackage& one : active) {
      const LockPackage& package = lock_.packages[one.package];
      text += (text.empty() ? "" : " and ") + titled(package) + " (line " +
              std::to_string(package.place.line) + ")";
    }
    const LockPackage& second = lock_.packages[active.back().package];
    problems_.push_back({ProblemKind::ambiguous, second.name, text + " are both wanted",
                         "the lock contradicts itself: write it anew", lock_.place(second.place)});
  }

  void report(ProblemKind kind, const LockPackage& package, std::string text, std::string hint) {
    problems_.push_back({kind, package.name, std::move(text), std::move(hint), lock_.place(package.place)});
  }

  void add_package(const LockPackage& package, bool requested, std::vector<Hash> bag) {
    if (is_local(package)) return add_local(package);
    if (!package.unpinned.empty()) {
      return report(ProblemKind::unpinned, package, package.name + " is not pinned: " + package.unpinned,
                    "write name==version, best with --hash, or lock for this target");
    }
    if (lock_.format == LockFormat::pylock &&
        !package.requires_python.contains(selection::python_version(request_))) {
      return report(ProblemKind::requires_python, package,
                    titled(package) + " needs Python " + package.requires_python.text +
                        ", and the target has " + selection::python_version(request_).str(),
                    "choose another interpreter with --python");
    }
    Pin pin;
    pin.name = package.name;
    pin.version = package.version;
    pin.any_local = package.any_local;
    if (package.source.kind == SourceKind::index) pin.index = package.source.location;
    if (package.marker != no_marker) pin.marker = lock_.markers[package.marker].text;
    pin.requested = requested;
    pin.order = static_cast<std::size_t>(&package - lock_.packages.data());
    pin.place = lock_.place(package.place);
    if (!package.files_known && package.source.kind == SourceKind::index && !package.no_binary) {
      pin.hashes = std::move(bag);
    } else if (!take_wheel(package, pin)) {
      return;
    }
    if (lock_.options.require_hashes && pin.hashes.empty() && (!pin.wheel || pin.wheel->hashes.empty())) {
      return report(ProblemKind::unpinned, package, titled(package) + " has no hash, and hashes are required",
                    "write --hash for every requirement");
    }
    selection_.pins.push_back(std::move(pin));
  }

  void add_local(const LockPackage& package) {
    const bool installable = package.source.kind == SourceKind::editable;
    if (package.name.empty() && !installable) return;
    selection_.local_projects.push_back(
        {package.name, package.version, package.source.location, installable, lock_.place(package.place)});
    if (installable) {
      selection_.notes.push_back({Severity::note, "local-project", package.name, package.source.location,
                                  "the project " + package.name + " is local and is not installed",
                                  "--editable-local installs it in place"});
    }
  }

  // The wheel of a package whose files the lock knows, else one of find_links; false with a problem.
  bool take_wheel(const LockPackage& package, Pin& pin) {
    if (!package.no_binary) {
      if (const auto index = selection::best_wheel(lock_, package, request_.tags)) {
        pin.wheel = package.wheels[*index];
        // Archives and local files need no version in the lock: the file's name has it.
        if (pin.version.empty()) pin.version = WheelFilename::parse(pin.wheel->name).version.str();
        if (package.source.kind == SourceKind::archive || package.source.kind == SourceKind::file) {
          pin.direct_url =
              DirectUrl{pin.wheel->url, pin.wheel->path, pin.wheel->hashes, package.source.subdirectory};
        }
        return true;
      }
    }
    if (take_offered(pin)) return true;
    report_no_wheel(package);
    return false;
  }

  // A wheel that the user built and names with --find-links: the lock has no hash for it.
  bool take_offered(Pin& pin) {
    if (request_.find_links.empty()) return false;
    try {
      const Candidate& candidate = request_.find_links[choose_candidate(pin, request_.find_links, request_)];
      FileRef file;
      file.name = candidate.file_name;
      file.url = candidate.url;
      file.path = candidate.path;
      file.hashes = candidate.hashes;
      file.size = candidate.size;
      if (pin.version.empty()) pin.version = WheelFilename::parse(file.name).version.str();
      pin.wheel = std::move(file);
      pin.from_find_links = true;
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::no_match) throw;
      return false;
    }
  }

  void report_no_wheel(const LockPackage& package) {
    switch (package.source.kind) {
      case SourceKind::vcs:
        return report(
            ProblemKind::no_wheel, package,
            titled(package) + " comes from a repository (" + package.source.vcs + ") and needs a build",
            build_hint);
      case SourceKind::directory:
        return report(ProblemKind::no_wheel, package, titled(package) + " is a directory and needs a build",
                      build_hint);
      default:
        break;
    }
    if (package.no_binary) {
      return report(ProblemKind::no_wheel, package,
                    titled(package) + " may not come as a wheel (--no-binary)",
                    "remove --no-binary, or build the wheel first, then --find-links");
    }
    if (package.wheels.empty()) {
      return report(ProblemKind::no_wheel, package, titled(package) + " has only a source distribution",
                    build_hint);
    }
    std::vector<std::string> names;
    for (const FileRef& file : package.wheels) names.push_back(file.name);
    report(ProblemKind::no_wheel, package,
           titled(package) + " has wheels for " + selection::describe_wheels(names) + "; the target takes " +
               selection::describe_target(request_.target),
           package.sdist ? build_hint : "");
  }

  const Lock& lock_;
  const SelectionRequest& request_;
  Problems problems_;
  Selection selection_;
};

ErrorCode code_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::unpinned:
    case ProblemKind::ambiguous:
      return ErrorCode::bad_input;
    case ProblemKind::conflict:
      return ErrorCode::conflict;
    default:
      return ErrorCode::no_match;
  }
}

}  // namespace

SelectionRequest make_selection_request(const TagTarget& target, std::string_view python_full_version) {
  return {target, TagSet(target), target_environment(target, python_full_version), {}, {}, {}, {}};
}

std::variant<Selection, std::vector<SelectionProblem>> try_select(const Lock& lock,
                                                                  const SelectionRequest& request) {
  return Selector(lock, request).run();
}

Error selection_error(const std::vector<SelectionProblem>& problems) {
  if (problems.empty()) return {ErrorCode::no_match, "nothing can be selected"};
  const SelectionProblem& first = problems.front();
  // More than anybody reads; a lock can have tens of thousands of packages.
  constexpr std::size_t max_told = 100;
  std::string message;
  for (const SelectionProblem& problem : problems) {
    if (static_cast<std::size_t>(&problem - problems.data()) == max_told) {
      message += "; and " + std::to_string(problems.size() - max_told) + " more";
      break;
    }
    message += (message.empty() ? "" : "; ") + std::string(to_string(problem.kind)) + ": " + problem.text;
    // The first one's place is the error's; the text of an ambiguity has its places.
    if (&problem == &first || problem.kind == ProblemKind::ambiguous || problem.place.line == 0) continue;
    message += problem.place.file == first.place.file ? " (line " + std::to_string(problem.place.line) + ")"
                                                      : " (" + to_string(problem.place) + ")";
  }
  return {code_of(first.kind), first.place, message, first.hint};
}

Selection select(const Lock& lock, const SelectionRequest& request) {
  auto result = try_select(lock, request);
  if (const auto* problems = std::get_if<std::vector<SelectionProblem>>(&result))
    throw selection_error(*problems);
  return std::get<Selection>(std::move(result));
}

}  // namespace axle
