// From what the user named to one described interpreter.
//
// A name leads to a program on PATH or in pyenv; a program is followed through the environments it belongs to
// (pyvenv.cfg beside or above it) and through links down to the base installation's real file, which is
// described from its files, from the cache, or by running it. Only the base is cached: an environment adds
// two fields.

#include <fcntl.h>

#include <vector>

#include "axle/base/error.h"
#include "axle/env/interpreter.h"
#include "base/file.h"
#include "base/text.h"
#include "env/facts_cache.h"
#include "env/interpreter_files.h"
#include "env/paths.h"
#include "env/probe.h"
#include "env/pyenv.h"

namespace axle {
namespace {

constexpr std::uint64_t max_facts_file = 1U << 20;
constexpr int max_nested_environments = 16;

struct Environment {
  std::string root;
  PyvenvConfig config;
};

// spec: PEP 405: above the directory of the executable first, then beside it.
std::optional<Environment> environment_of(const std::string& executable) {
  const std::string dir = parent_path(executable);
  for (const std::string& root : {parent_path(dir), dir}) {
    const std::string file = path_in(root, "pyvenv.cfg");
    if (const auto text = try_read_file(AT_FDCWD, file, max_facts_file)) {
      return Environment{root, parse_pyvenv_config(*text, file)};
    }
  }
  return std::nullopt;
}

// The interpreter of an environment or a prefix.
std::optional<std::string> program_in(const std::string& directory) {
  for (const char* name : {"bin/python", "bin/python3", "Scripts/python.exe", "python.exe"}) {
    std::string program = path_in(directory, name);
    if (is_regular_file(program)) return program;
  }
  return std::nullopt;
}

// The program that `home` of a copied interpreter leads to.
std::string program_in_home(const Environment& environment, const std::string& executable) {
  const PythonMinor minor = python_minor(environment.config.version);
  const std::string versioned = "python" + std::to_string(minor.major) + "." + std::to_string(minor.minor);
  for (const std::string& name :
       {std::string(base_name(executable)), versioned, std::string("python3"), std::string("python")}) {
    std::string program = path_in(environment.config.home, name);
    if (is_program(program)) return program;
  }
  throw Error(ErrorCode::no_match, Place{path_in(environment.root, "pyvenv.cfg")},
              "its home " + quoted(environment.config.home) + " has no interpreter",
              "make the environment anew with 'axle venv --clear', or give --python-version and --platform");
}

bool is_script(const std::string& path) {
  const std::optional<Fd> file = try_open_file(AT_FDCWD, path);
  if (!file) return false;
  struct stat status {};
  if (::fstat(file->get(), &status) != 0 || status.st_size < 2) return false;
  char start[2];
  pread_exactly(*file, start, sizeof start, 0, path);
  return start[0] == '#' && start[1] == '!';
}

Interpreter describe_base(const std::string& real, const InterpreterRequest& request) {
  if (!request.cache_dir.empty()) {
    if (std::optional<Interpreter> cached = read_cached_facts(request.cache_dir, real)) {
      cached->found += ", cache";
      return *cached;
    }
  }
  const bool script = is_script(real);
  std::optional<DescribedInterpreter> described;
  if (!script) described = read_interpreter_files(real);
  if (!described) described = probe_interpreter(real, request.probe_timeout);
  // What a shim answers depends on more than itself.
  const bool changing = script && base_name(parent_path(real)) == "shims";
  if (!request.cache_dir.empty() && !changing) write_cached_facts(request.cache_dir, real, *described);
  return described->interpreter;
}

// `executable` is an absolute path of something that exists; `how` says where it was found.
Interpreter describe(const std::string& executable, std::string how, const InterpreterRequest& request) {
  std::optional<Environment> environment = environment_of(executable);
  std::string program = executable;
  std::optional<std::string> real;
  for (int depth = 0;; ++depth) {
    real = real_path(program);
    if (!real) {
      throw Error(ErrorCode::no_match, Place{program}, "does not lead to an interpreter",
                  "make the environment anew with 'axle venv --clear', or name another one with --python");
    }
    const std::optional<Environment> around = environment_of(*real);
    if (!around || around->config.home.empty()) break;
    if (depth == max_nested_environments) {
      throw Error(ErrorCode::bad_input, Place{path_in(around->root, "pyvenv.cfg")},
                  "its home leads back to an environment",
                  "make the environment anew with 'axle venv --clear'");
    }
    program = program_in_home(*around, *real);
  }
  Interpreter found = describe_base(*real, request);
  found.executable = executable;
  if (environment) {
    found.venv = environment->root;
    found.system_site_packages = environment->config.system_site_packages;
    how += ", environment " + environment->root;
  }
  found.found = how + ", " + found.found;
  return found;
}

// What a program name is looked for: "3.12" and "3.12.4" also narrow the version down.
struct Search {
  std::vector<std::string> names;
  std::string version;  // "" = any
  bool free_threaded = false;
};

bool is_version(std::string_view text) {
  if (text.ends_with('t')) text.remove_suffix(1);
  std::size_t parts = 0;
  for (std::string_view part : split(text, '.')) {
    ++parts;
    if (part.empty() || part.size() > 4) return false;
    for (char c : part) {
      if (!is_digit(c)) return false;
    }
  }
  return parts <= 3;
}

Search search_for(std::string_view spec) {
  if (spec.empty()) return {{"python3", "python"}, {}, false};
  if (!is_version(spec)) return {{std::string(spec)}, {}, false};
  Search search;
  search.free_threaded = spec.ends_with('t');
  if (search.free_threaded) spec.remove_suffix(1);
  search.version = spec;
  const PythonMinor minor = python_minor(spec);
  if (minor.major != 0) {
    const std::string versioned = "python" + std::to_string(minor.major) + "." + std::to_string(minor.minor);
    search.names.push_back(versioned + (search.free_threaded ? "t" : ""));
    if (search.free_threaded) search.names.push_back(versioned);
  }
  search.names.push_back("python3");
  search.names.push_back("python");
  return search;
}

bool matches(const Interpreter& found, const Search& search) {
  if (search.version.empty()) return true;
  return (found.version == search.version || found.version.starts_with(search.version + ".")) &&
         found.free_threaded == search.free_threaded;
}

// `shim` stands for another program; nullopt when for none here.
std::optional<std::string> behind_shim(const std::string& root, const std::string& shim, const Search& search,
                                       const InterpreterRequest& request) {
  const std::string_view name = base_name(shim);
  if (search.version.empty()) {
    std::optional<std::string> found = resolve_pyenv_shim(root, name, request);
    if (!found && name == "python3") found = resolve_pyenv_shim(root, "python", request);
    return found;
  }
  // A version was asked for: whatever pyenv has selected, it has this one or not.
  const std::string wanted = search.version + (search.free_threaded ? "t" : "");
  const std::optional<std::string> version = find_pyenv_version(root, wanted);
  if (!version) return std::nullopt;
  std::string program = path_in(root, "versions/" + *version + "/bin/" + std::string(name));
  if (!is_program(program)) return std::nullopt;
  return program;
}

std::optional<Interpreter> search_path(const Search& search, const InterpreterRequest& request) {
  for (const std::string& name : search.names) {
    for (std::string_view dir : split(request.search_path, ':')) {
      const std::string path =
          path_in(absolute_from(request.working_dir, dir.empty() ? std::string_view(".") : dir), name);
      if (!is_program(path)) continue;
      std::string program = path;
      std::string how = name + " on PATH";
      if (const std::optional<std::string> root = pyenv_root_of_shim(path, request.pyenv_root)) {
        const std::optional<std::string> target = behind_shim(*root, path, search, request);
        if (!target) continue;
        program = *target;
        how += ", pyenv shim";
      }
      if (search.version.empty()) return describe(program, how, request);
      // Some other program that does not work is passed over: it was not named.
      try {
        Interpreter found = describe(program, how, request);
        if (matches(found, search)) return found;
      } catch (const Error& error) {
        if (error.code() == ErrorCode::interrupted) throw;
      }
    }
  }
  return std::nullopt;
}

Interpreter describe_path(const std::string& path, const InterpreterRequest& request) {
  if (is_directory(path)) {
    const std::optional<std::string> program = program_in(path);
    if (!program) {
      throw Error(ErrorCode::no_match, Place{path}, "has no interpreter (bin/python)",
                  "name the interpreter itself with --python");
    }
    return describe(*program, "directory given", request);
  }
  if (!is_regular_file(path)) {
    throw Error(ErrorCode::no_match, Place{path}, "no such interpreter",
                "name an existing one with --python");
  }
  if (path.ends_with(".json")) {
    return parse_interpreter_facts(read_file(AT_FDCWD, path, max_facts_file), path);
  }
  if (const std::optional<std::string> root = pyenv_root_of_shim(path, request.pyenv_root)) {
    const std::optional<std::string> program = resolve_pyenv_shim(*root, base_name(path), request);
    if (!program) {
      throw Error(ErrorCode::no_match, Place{path}, "this pyenv shim stands for no installed interpreter",
                  "name the interpreter itself with --python");
    }
    return describe(*program, "path given, pyenv shim", request);
  }
  if (!is_program(path)) {
    // A facts file by any other name.
    const std::string text = read_file(AT_FDCWD, path, max_facts_file);
    if (trim(text).starts_with('{')) return parse_interpreter_facts(text, path);
    throw Error(ErrorCode::no_match, Place{path}, "is no program", "name an interpreter with --python");
  }
  return describe(path, "path given", request);
}

}  // namespace

Interpreter find_interpreter(const InterpreterRequest& request) {
  if (request.spec.empty() && !request.venv.empty()) {
    const std::string root = absolute_from(request.working_dir, request.venv);
    if (is_regular_file(path_in(root, "pyvenv.cfg"))) {
      const std::optional<std::string> program = program_in(root);
      if (!program) {
        throw Error(
            ErrorCode::no_match, Place{root}, "the environment's interpreter is gone",
            "make the environment anew with 'axle venv --clear', or give --python-version and --platform");
      }
      return describe(*program, "environment", request);
    }
  }
  const std::string path = absolute_from(request.working_dir, request.spec);
  const bool is_path = request.spec.find('/') != std::string::npos || request.spec.ends_with(".json") ||
                       (!request.spec.empty() && !is_version(request.spec) && is_directory(path));
  if (is_path) return describe_path(path, request);
  const Search search = search_for(request.spec);
  if (std::optional<Interpreter> found = search_path(search, request)) return *found;
  if (!search.version.empty() || request.spec.empty() || !is_regular_file(path)) {
    throw Error(
        ErrorCode::no_match,
        request.spec.empty() ? "no Python found on PATH" : "no Python " + quoted(request.spec) + " found",
        "name an interpreter with --python PATH, or lay out for another target with --python-version and "
        "--platform");
  }
  return describe_path(path, request);
}

}  // namespace axle
