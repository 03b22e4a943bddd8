#include "cli/debug_lock.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "axle/lock/parse.h"
#include "axle/plan/select.h"
#include "base/file.h"
#include "cli/debug_args.h"

namespace axle::cli {
namespace {

using nlohmann::json;

std::vector<std::string> string_list(const json& object, const char* key) {
  std::vector<std::string> result;
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return result;
  for (const json& item : as_array(*found, key)) result.push_back(as_string(item, key));
  return result;
}

std::string text_or(const json& object, const char* key, const std::string& otherwise) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? otherwise : as_string(*found, key);
}

Lock read_lock(const std::string& path) {
  LockContext context;
  context.path = path;
  context.read_file = [](const std::string& name) { return try_read_file(AT_FDCWD, name, max_lock_size); };
  return parse_lock(read_file(AT_FDCWD, path, max_lock_size), context);
}

bool has_file_names(const std::string& name) {
  return name == "uv.lock" || name == "poetry.lock" || name.ends_with("pdm.lock") ||
         (name.starts_with("pylock.") && name.ends_with(".toml"));
}

// The files that the other locks of the directory name, sorted by lock.
std::vector<Candidate> known_files(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (!stream) return {};
  while (const dirent* entry = ::readdir(stream.get())) {
    if (const std::string name = entry->d_name; has_file_names(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  std::vector<Candidate> files;
  for (const std::string& name : names) {
    try {
      for (Candidate& file : candidates_of(read_lock(directory + "/" + name)))
        files.push_back(std::move(file));
    } catch (const Error&) {
      // The lock that was asked for is another: this one only could have helped.
    }
  }
  return files;
}

// The name of a pin's wheel by its hashes; null when too little is known. Throws Error(no_match) when the
// files that are known do not fit.
json name_by_hash(const Pin& pin, const std::vector<Candidate>& files, const SelectionRequest& request) {
  std::vector<Candidate> known;
  for (const Candidate& file : files) {
    const bool locked = std::any_of(file.hashes.begin(), file.hashes.end(), [&](const Hash& hash) {
      return std::find(pin.hashes.begin(), pin.hashes.end(), hash) != pin.hashes.end();
    });
    if (locked) known.push_back(file);
  }
  if (known.empty()) return nullptr;
  return known[choose_candidate(pin, known, request)].file_name;
}

// The answer's message begins with the kind, so the place goes behind it.
[[noreturn]] void throw_kind_first(const Error& error) {
  const std::string place = to_string(error.place());
  throw Error(error.code(), error.message() + (place.empty() ? "" : " (" + place + ")"), error.hint());
}

json lock_select(const json& args) {
  check_count(args, 2, 2);
  const std::string& path = as_string(args[0], "the path");
  const json& object = as_object(args[1], "the target");
  TagTarget target;
  target.python = text_or(object, "python", target.python);
  target.platform = text_or(object, "platform", "manylinux_2_28_x86_64");
  SelectionRequest request = make_selection_request(target, text_or(object, "python_full_version", ""));
  request.wanted.extras = string_list(object, "extras");
  if (const auto groups = object.find("active_groups"); groups != object.end() && !groups->is_null()) {
    request.wanted.exact_groups = string_list(object, "active_groups");
  }
  const Lock lock = read_lock(path);
  const auto result = try_select(lock, request);
  if (const auto* problems = std::get_if<std::vector<SelectionProblem>>(&result)) {
    throw_kind_first(selection_error(*problems));
  }
  std::optional<std::vector<Candidate>> files;
  json packages = json::object();
  json wheels = json::object();
  for (const Pin& pin : std::get<Selection>(result).pins) {
    packages[pin.name] = pin.version;
    if (pin.wheel) {
      wheels[pin.name] = pin.wheel->name;
      continue;
    }
    if (!files) files = known_files(path);
    try {
      wheels[pin.name] = name_by_hash(pin, *files, request);
    } catch (const Error& error) {
      throw_kind_first(error);
    }
  }
  return {{"packages", std::move(packages)}, {"wheels", std::move(wheels)}};
}

}  // namespace

std::optional<json> run_lock_operation(std::string_view op, const json& args) {
  if (op == "lock-select") return lock_select(args);
  return std::nullopt;
}

}  // namespace axle::cli
