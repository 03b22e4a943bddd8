#include "env/pyenv.h"

#include <fcntl.h>

#include <charconv>
#include <vector>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "env/paths.h"

namespace axle {
namespace {

constexpr std::uint64_t max_small_file = 64U << 10;

struct Wanted {
  std::vector<std::string> versions;
  std::string said_by;
};

// spec: pyenv-version-file-read: words of all lines, '#' begins a comment.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::string_view line : split_lines(text)) {
    line = trim(line.substr(0, line.find('#')));
    while (!line.empty()) {
      std::size_t end = 0;
      while (end < line.size() && !is_space(line[end])) ++end;
      words.emplace_back(line.substr(0, end));
      line = trim(line.substr(end));
    }
  }
  return words;
}

Wanted wanted_versions(const std::string& root, const InterpreterRequest& request) {
  if (!request.pyenv_version.empty()) {
    Wanted wanted;
    wanted.said_by = "PYENV_VERSION";
    for (std::string_view version : split(request.pyenv_version, ':')) {
      if (!version.empty()) wanted.versions.emplace_back(version);
    }
    return wanted;
  }
  std::vector<std::string> files;
  for (std::string dir = request.working_dir; !dir.empty(); dir = parent_path(dir)) {
    files.push_back(path_in(dir, ".python-version"));
    if (dir == "/") break;
  }
  files.push_back(path_in(root, "version"));
  for (const std::string& file : files) {
    if (!is_regular_file(file)) continue;
    Wanted wanted{words_of(read_file(AT_FDCWD, file, max_small_file)), file};
    if (!wanted.versions.empty()) return wanted;
  }
  return {{"system"}, "default"};
}

// The numbers of "3.12.1"; empty for "3.12-dev" and names of environments.
std::vector<int> numbers_of(std::string_view version) {
  std::vector<int> numbers;
  for (std::string_view part : split(version, '.')) {
    int number = 0;
    const auto read = std::from_chars(part.data(), part.data() + part.size(), number);
    if (read.ec != std::errc{} || read.ptr != part.data() + part.size()) return {};
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

std::optional<std::string> pyenv_root_of_shim(const std::string& path, std::string_view configured_root) {
  const std::string dir = parent_path(path);
  if (base_name(dir) != "shims") return std::nullopt;
  if (!configured_root.empty() && dir == path_in(configured_root, "shims"))
    return std::string(configured_root);
  const std::string root = parent_path(dir);
  if (!is_directory(path_in(root, "versions"))) return std::nullopt;
  const std::optional<Fd> file = try_open_file(AT_FDCWD, path);
  if (!file) return std::nullopt;
  const std::string text = read_fd(*file, path, max_small_file);
  if (!text.starts_with("#!") || text.find("pyenv") == std::string::npos) return std::nullopt;
  return root;
}

std::optional<std::string> find_pyenv_version(const std::string& root, std::string_view wanted) {
  const std::string versions = path_in(root, "versions");
  const std::optional<Fd> dir = try_open_dir(AT_FDCWD, versions);
  if (!dir) return std::nullopt;
  std::vector<int> best;
  std::string name;
  for (const DirEntry& entry : list_dir(dir->get(), ".")) {
    if (entry.name == wanted) return entry.name;
    if (!entry.name.starts_with(std::string(wanted) + ".")) continue;
    const std::vector<int> numbers = numbers_of(entry.name);
    if (numbers.empty() || numbers <= best) continue;
    best = numbers;
    name = entry.name;
  }
  if (name.empty()) return std::nullopt;
  return name;
}

std::optional<std::string> resolve_pyenv_shim(const std::string& root, std::string_view program,
                                              const InterpreterRequest& request) {
  const Wanted wanted = wanted_versions(root, request);
  std::string missing;
  for (std::string version : wanted.versions) {
    if (version == "system") return std::nullopt;
    if (version.starts_with("python-")) version.erase(0, 7);
    // It becomes a component of a path; a file in some directory above must not lead elsewhere.
    if (version.find('/') != std::string::npos || version.starts_with('.')) continue;
    const std::optional<std::string> installed = find_pyenv_version(root, version);
    if (!installed) {
      if (missing.empty()) missing = version;
      continue;
    }
    const std::string bin = path_in(path_in(path_in(root, "versions"), *installed), "bin");
    std::string found = path_in(bin, program);
    if (is_program(found)) return found;
  }
  if (!missing.empty()) {
    throw Error(ErrorCode::no_match,
                "pyenv has no version " + quoted(missing) + " (set by " + wanted.said_by + ")",
                "install it, or name the interpreter with --python");
  }
  return std::nullopt;
}

}  // namespace axle
