// axle inspect WHEEL|DIR...: facts of wheels and of environments.

#include <fcntl.h>

#include "axle/archive/archive.h"
#include "axle/base/error.h"
#include "axle/wheel/inspect.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/existing.h"
#include "cli/inspect_json.h"
#include "cli/native_report.h"
#include "cli/report.h"
#include "exec/check.h"
#include "store/unpack.h"

namespace axle::cli {
namespace {

struct Inspected {
  Json json;
  std::string text;
  bool record_wrong = false;
};

std::string indented(const std::string& text) {
  std::string result;
  for (const std::string_view line : split_lines(text)) result += "  " + std::string(line) + "\n";
  return result;
}

Inspected inspect_file(const std::string& path, bool classify) {
  const WheelFilename name = WheelFilename::parse(std::string_view(path).substr(path.rfind('/') + 1));
  const Archive archive = Archive::open(AT_FDCWD, path);
  const WheelFacts facts = inspect_wheel(archive, name, path, hash_file(archive.fd(), path));
  Inspected result{facts_to_json(facts, path), facts_to_text(facts, path), !facts.record_ok()};
  if (classify) add_classes(facts, result.json, result.text);
  const NativeReport native = report_links(facts);
  result.json["native"] = native_to_json(native);
  result.text += indented(native_to_text(native));
  return result;
}

// direct_url.json as a value; a text that is no JSON stays a text.
Json direct_url_of(const Fd& root, const InstalledDist& dist) {
  const auto text = read_direct_url(root.get(), dist);
  if (!text) return nullptr;
  Json value = Json::parse(*text, nullptr, false);
  return value.is_discarded() ? Json(*text) : value;
}

Json dist_to_json(const Existing& existing, const RecordedDist& dist, std::string& text) {
  const int root = existing.root.get();
  const auto installer = read_installer(root, dist.name);
  const bool requested = is_requested(root, dist.name);
  std::uint64_t bytes = 0;
  for (const InstalledFile& row : dist.rows) bytes += row.size.value_or(0);
  text += "  " + dist.name.normalized + " " + dist.name.version + "  " + std::to_string(dist.rows.size()) +
          " files";
  if (installer) text += ", by " + *installer;
  if (requested) text += ", requested";
  text += "\n";
  return {{"name", dist.name.normalized},
          {"version", dist.name.version},
          {"dist_info", dist.name.dist_info.str()},
          {"installer", installer ? Json(*installer) : Json(nullptr)},
          {"laid_by_axle", dist.laid->ours},
          {"requested", requested},
          {"direct_url", direct_url_of(existing.root, dist.name)},
          {"files", dist.rows.size()},
          {"bytes", bytes}};
}

// The directory is an environment, or a tree as --target makes it.
Options place_options(const Options& options, const std::string& path) {
  Options result = options;
  result.venv = path;
  result.target.reset();
  result.prefix.reset();
  result.system = false;
  const auto dir = try_open_dir(AT_FDCWD, path);
  if (!dir || try_lstat(dir->get(), "pyvenv.cfg")) return result;
  for (const DirEntry& entry : list_dir(dir->get(), ".")) {
    if (entry.name.ends_with(".dist-info")) result.target = path;
  }
  return result;
}

Inspected inspect_directory(const Options& options, const std::string& path) {
  const Existing existing = open_existing(place_options(options, path));
  Diagnostics notes;
  const std::vector<RecordedDist> dists =
      read_records(existing.root, existing.layout, existing.installation, notes);
  for (const Diagnostic& note : existing.installation.notes) {
    if (!note.kind.starts_with("record-")) notes.push_back(note);
  }
  Inspected result;
  result.text = existing.path + "\n  Python " + existing.interpreter.version + "\n";
  Json list = Json::array();
  std::size_t files = 0;
  for (const RecordedDist& dist : dists) {
    Json one = dist_to_json(existing, dist, result.text);
    if (options.classify) add_classes(dist.laid->facts, one, result.text);
    list.push_back(std::move(one));
    files += dist.rows.size();
  }
  Json startup = Json::array();
  for (const StartupHook& hook : read_startup_hooks(existing.root, existing.layout, existing.interpreter,
                                                    dists, index_records(dists))) {
    startup.push_back({{"distribution", hook.distribution},
                       {"path", hook.path.str()},
                       {"code", hook.code},
                       {"known_as", hook.known_as}});
    result.text += "  startup: " + hook.path.str() + ": runs " + hook.code.front() + "\n";
  }
  // Files that look as they were laid are taken for what they were: check compares bytes.
  CheckOptions check;
  check.scope = CheckScope::native;
  check.depth = CheckDepth::size_and_time;
  check.jobs = jobs(options);
  const CheckReport report =
      check_environment(existing.root, existing.layout, existing.interpreter, existing.installation, check);
  const NativeReport native{report.libraries, {}, report.problems};
  result.text += indented(native_to_text(native));
  const auto& head = existing.installation.head;
  result.json = {{"environment", existing.path},
                 {"kind", to_string(existing.layout.kind)},
                 {"python", existing.interpreter.version},
                 {"link_mode", head && !head->link_mode.empty() ? Json(head->link_mode) : Json(nullptr)},
                 {"counts", {{"distributions", dists.size()}, {"files", files}}},
                 {"distributions", std::move(list)},
                 {"startup", std::move(startup)},
                 {"native", native_to_json(native)},
                 {"notes", to_json(notes)}};
  return result;
}

Inspected inspect_one(const Options& options, const std::string& path) {
  const auto status = try_stat(AT_FDCWD, path);
  if (!status)
    throw Error(ErrorCode::io, axle::Place{path}, "does not exist", "name a wheel or an environment");
  return S_ISDIR(status->st_mode) ? inspect_directory(options, path) : inspect_file(path, options.classify);
}

}  // namespace

// A RECORD that is wrong is shown, and has the status that installing the wheel would have.
int run_inspect(const Options& options) {
  if (options.arguments.empty()) {
    throw Error(ErrorCode::usage, "inspect needs a wheel or an environment", "axle inspect WHEEL|DIR...");
  }
  const VerifyLevel level = verify_level(options);
  int status = 0;
  Json all = Json::array();
  std::string text;
  for (const std::string& path : options.arguments) {
    Inspected one = inspect_one(options, path);
    if (one.record_wrong && (level == VerifyLevel::record || level == VerifyLevel::strict)) {
      status = exit_status(ErrorCode::integrity, 0);
    }
    all.push_back(std::move(one.json));
    text += one.text;
  }
  if (options.json) {
    print_json(all.size() == 1 ? all.front() : Json{{"inspected", std::move(all)}});
  } else {
    print_text(text, options);
  }
  return status;
}

}  // namespace axle::cli
