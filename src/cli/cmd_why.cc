// axle why PATH...: why something lies at a path of an environment.

#include <fcntl.h>

#include <algorithm>

#include "axle/base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/existing.h"
#include "cli/report.h"
#include "plan/explain_path.h"

namespace axle::cli {
namespace {

// The environment that PATH lies in; nullopt when no directory above it is one.
std::optional<std::string> find_environment_of(const std::string& text) {
  std::string dir = absolute_path(text);
  for (std::size_t slash = dir.rfind('/'); slash != std::string::npos && slash > 0; slash = dir.rfind('/')) {
    dir.resize(slash);
    if (try_lstat(AT_FDCWD, dir + "/pyvenv.cfg")) return dir;
  }
  return std::nullopt;
}

// What PATH can mean: below the environment when it is absolute or leads there from the working directory,
// else relative to the environment, or to its site-packages. What is there comes first.
std::vector<RelPath> find_paths(const Existing& existing, const std::string& text) {
  const std::string inside = existing.path + "/";
  for (const std::string& path : {absolute_path(text), text.starts_with('/') ? text : std::string()}) {
    if (!path.starts_with(inside)) continue;
    if (auto found = RelPath::try_parse(std::string_view(path).substr(inside.size()))) return {*found};
  }
  if (text.starts_with('/')) {
    throw Error(ErrorCode::no_match, axle::Place{text}, "does not lie in " + existing.path,
                "name its environment with --venv");
  }
  const auto below = RelPath::try_parse(text);
  if (!below) throw Error(ErrorCode::usage, axle::quoted(text) + " is no path in an environment");
  std::vector<RelPath> paths{*below};
  for (const auto& lib : {existing.layout.purelib, existing.layout.platlib}) {
    if (lib) paths.push_back(lib->join(*below));
  }
  std::stable_partition(paths.begin(), paths.end(), [&](const RelPath& path) {
    return try_lstat(existing.root.get(), path.str()).has_value();
  });
  return paths;
}

PathExplanation explain(const Existing& existing, const std::string& text) {
  const auto& head = existing.installation.head;
  const std::string mode = head ? head->link_mode : std::string();
  std::optional<PathExplanation> first;
  for (const RelPath& path : find_paths(existing, text)) {
    PathExplanation one = explain_path(existing.installation.state, existing.layout, mode, path);
    if (one.rule != "unrecorded") return one;
    if (!first) first = std::move(one);
  }
  return *first;
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json to_json(const PathExplanation& one, bool exists) {
  return {{"path", one.path.str()},
          {"exists", exists},
          {"rule", one.rule},
          {"reason", one.reason},
          {"laid", or_null(one.laid)},
          {"link", or_null(one.link)},
          {"distributions", one.owners},
          {"wheel", or_null(one.wheel)},
          {"sha256", or_null(one.wheel_sha256)},
          {"member", or_null(one.member)},
          {"class", one.classification ? Json(to_string(one.classification->file_class)) : Json(nullptr)},
          {"class_reason", one.classification ? Json(one.classification->reason) : Json(nullptr)}};
}

std::string to_text(const PathExplanation& one) {
  std::string text = one.path.str() + "\n  " + one.rule + ": " + one.reason + "\n";
  std::string owners;
  for (const std::string& owner : one.owners) owners += (owners.empty() ? "" : ", ") + owner;
  if (!owners.empty()) text += "  distribution: " + owners + "\n";
  if (!one.wheel.empty()) text += "  wheel: " + one.wheel + " (sha256 " + one.wheel_sha256 + ")\n";
  if (!one.member.empty()) text += "  in the wheel: " + one.member + "\n";
  if (one.classification) {
    text += "  class: " + std::string(to_string(one.classification->file_class)) + ": " +
            one.classification->reason + "\n";
  }
  if (!one.laid.empty()) text += "  laid as: " + one.laid + (one.link.empty() ? "" : " " + one.link) + "\n";
  return text;
}

}  // namespace

// Nobody's path is shown, and has the status of what fits nothing.
int run_why(const Options& given) {
  if (given.arguments.empty())
    throw Error(ErrorCode::usage, "why needs a path", "axle why PATH [--venv DIR]");
  Options options = given;
  if (!options.venv && !options.target && !options.prefix && !options.system)
    options.venv = find_environment_of(options.arguments.front());
  const Existing existing = open_existing(options);
  Json all = Json::array();
  std::string text;
  int status = 0;
  for (const std::string& argument : options.arguments) {
    const PathExplanation one = explain(existing, argument);
    if (one.rule == "unrecorded") status = exit_status(ErrorCode::no_match, 0);
    all.push_back(to_json(one, try_lstat(existing.root.get(), one.path.str()).has_value()));
    text += to_text(one);
  }
  if (options.json) {
    print_json(all.size() == 1 ? all.front() : Json{{"explained", std::move(all)}});
  } else {
    print_text(text, options);
  }
  return status;
}

}  // namespace axle::cli
