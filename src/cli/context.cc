#include "cli/context.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <climits>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "base/fd.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/launcher_options.h"
#include "cli/version.h"
#include "plan/windows_launcher.h"

namespace axle::cli {
namespace {

std::string working_directory() {
  char buffer[PATH_MAX];
  if (getcwd(buffer, sizeof buffer) == nullptr) throw_errno("cannot find the working directory", ".");
  return buffer;
}

// Lexically: without ".", ".." and doubled slashes.
std::string normalized_path(const std::string& path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty()) {
      parts.pop_back();
    } else if (part != "..") {
      parts.push_back(part);
    }
  }
  std::string result;
  for (const std::string_view part : parts) result += "/" + std::string(part);
  return result.empty() ? "/" : result;
}

ConflictPolicy parse_policy(std::string_view text) {
  if (text == "error") return ConflictPolicy::error;
  if (text == "first") return ConflictPolicy::first;
  if (text == "last") return ConflictPolicy::last;
  throw Error(ErrorCode::usage, "--on-conflict " + axle::quoted(text) + " is no policy",
              "error, first or last; or GLOB=POLICY");
}

// A class, a glob, or '!' and a glob. A lone word that is no class is a typing error more likely than a glob.
PruneRules parse_prune_rules(const std::vector<std::string>& texts) {
  PruneRules rules;
  for (const std::string& text : texts) {
    const bool keeps = text.starts_with('!');
    if (const auto prune_class = parse_prune_class(text)) {
      rules.classes.insert(*prune_class);
    } else if (text.find_first_of("*?/.", keeps ? 1 : 0) == std::string::npos) {
      throw Error(ErrorCode::usage, "--prune " + axle::quoted(text) + " is neither a class nor a glob",
                  "tests, stubs, headers, byte-code; a glob has *, ?, / or a dot in it");
    } else if (keeps) {
      rules.kept.push_back(text.substr(1));
    } else {
      rules.globs.push_back(text);
    }
  }
  return rules;
}

// "NAME=URL", or the URL alone.
std::string index_url_of(const std::string& named) {
  const std::size_t scheme = named.find("://");
  const std::size_t equals = named.find('=');
  const bool has_name = equals != std::string::npos && equals < scheme;
  std::string url = has_name ? named.substr(equals + 1) : named;
  if (scheme == std::string::npos || (has_name && equals == 0)) {
    throw Error(ErrorCode::usage, "--index " + axle::quoted(named) + " is no NAME=URL",
                "--index NAME=https://...");
  }
  return url;
}

std::string home(const Options& options) { return variable(options, "HOME"); }

}  // namespace

std::string absolute_path(const std::string& path) {
  return normalized_path(path.starts_with('/') ? path : working_directory() + "/" + path);
}

Place find_place(const Options& options) {
  Place place;
  if (options.target) {
    place.kind = LayoutKind::target;
    place.logical = absolute_path(*options.target);
  } else if (options.prefix) {
    place.kind = LayoutKind::prefix;
    place.logical = absolute_path(*options.prefix);
  } else if (options.system) {
    place.kind = LayoutKind::system;  // the interpreter tells where
  } else if (options.venv) {
    place.logical = absolute_path(*options.venv);
  } else if (const std::string active = variable(options, "VIRTUAL_ENV"); !active.empty()) {
    place.logical = absolute_path(active);
  } else {
    place.logical = absolute_path(".venv");
  }
  place.physical = options.root.empty() ? place.logical : absolute_path(options.root) + place.logical;
  return place;
}

bool is_environment(const Place& place) {
  return place.kind == LayoutKind::venv && try_stat(AT_FDCWD, place.physical + "/pyvenv.cfg").has_value();
}

Interpreter find_interpreter_for(const Options& options, const Place& place) {
  InterpreterRequest request;
  request.spec = options.python;
  if (is_environment(place)) request.venv = place.physical;
  request.search_path = variable(options, "PATH");
  request.cache_dir = store_path(options);
  request.pyenv_version = variable(options, "PYENV_VERSION");
  request.pyenv_root = variable(options, "PYENV_ROOT");
  request.working_dir = working_directory();
  if (options.python_version.empty() && options.platform.empty()) return find_interpreter(request);

  ForeignTarget target;
  target.platform = options.platform.empty() ? host_platform() : options.platform;
  target.version =
      options.python_version.empty() ? find_interpreter(request).version : options.python_version;
  target.executable = options.target_python;
  return foreign_interpreter(target);
}

Layout make_layout(const Options& options, const Place& place, const Interpreter& interpreter) {
  switch (place.kind) {
    case LayoutKind::target:
      return target_layout(interpreter, place.logical);
    case LayoutKind::prefix:
      return prefix_layout(interpreter, place.logical);
    case LayoutKind::venv:
      return venv_layout(interpreter, place.logical);
    case LayoutKind::system:
      break;
  }
  if (!options.break_system_packages) {
    if (const auto message = read_externally_managed(interpreter)) {
      throw Error(ErrorCode::unsupported, axle::Place{interpreter.executable},
                  "this installation is managed by something else: " + *message,
                  "use an environment (axle venv), or --break-system-packages");
    }
  }
  return system_layout(interpreter);
}

std::string script_interpreter(const Place& place, const Interpreter& interpreter, const Layout& layout) {
  if (place.kind != LayoutKind::venv) return interpreter.executable;
  if (layout.os == Os::windows) return windows_environment_python(layout);
  return place.logical + "/bin/python";
}

Policy make_policy(const Options& options) {
  Policy policy;
  if (options.link_mode == "clone") policy.link_mode = LinkMode::clone;
  if (options.link_mode == "hardlink") policy.link_mode = LinkMode::hardlink;
  if (options.link_mode == "symlink") policy.link_mode = LinkMode::symlink;
  if (options.link_mode == "copy") policy.link_mode = LinkMode::copy;
  if (options.no_store) {
    if (policy.link_mode == LinkMode::symlink) {
      throw Error(ErrorCode::usage, "--link-mode symlink needs a store", "leave out --no-store");
    }
    policy.link_mode = LinkMode::automatic;
  }
  for (const std::string& text : options.on_conflict) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string::npos) {
      policy.on_conflict = parse_policy(text);
    } else {
      policy.conflict_rules.push_back(
          {text.substr(0, equals), parse_policy(std::string_view(text).substr(equals + 1))});
    }
  }
  if (options.startup_hooks == "allow") policy.hooks = HookPolicy::allow;
  if (options.startup_hooks == "deny") policy.hooks = HookPolicy::deny;
  for (const std::string& name : options.allow_hooks) policy.allowed_hooks.insert(normalize_name(name));
  if (options.rpath == "fix") policy.rpath = RpathPolicy::fix;
  if (options.rpath == "keep") policy.rpath = RpathPolicy::keep;
  if (options.relocatable) policy.relocatable = Relocatable::yes;
  policy.launcher = make_launcher_policy(options, {});
  policy.prune = parse_prune_rules(options.prune);
  return policy;
}

VerifyLevel verify_level(const Options& options) {
  if (options.verify == "strict") return VerifyLevel::strict;
  if (options.verify == "archive") return VerifyLevel::archive;
  if (options.verify == "none") return VerifyLevel::none;
  return VerifyLevel::record;
}

unsigned jobs(const Options& options) {
  if (options.jobs != 0) return options.jobs;
  unsigned count = 0;
  const std::string text = variable(options, "AXLE_JOBS");
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count != 0 ? count : available_jobs();
}

std::optional<std::int64_t> source_date_epoch(const Options& options) {
  const std::string text = variable(options, "SOURCE_DATE_EPOCH");
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    throw Error(ErrorCode::usage, "SOURCE_DATE_EPOCH " + axle::quoted(text) + " is no number of seconds");
  }
  return value;
}

std::string store_path(const Options& options) {
  if (!options.store.empty()) return absolute_path(options.store);
  if (const std::string path = variable(options, "AXLE_STORE"); !path.empty()) return absolute_path(path);
  if (const std::string cache = variable(options, "XDG_CACHE_HOME"); cache.starts_with('/'))
    return cache + "/axle";
  if (const std::string dir = home(options); !dir.empty()) return dir + "/.cache/axle";
  return "/tmp/axle-" + std::to_string(getuid());
}

EnvironmentOptions environment_options(const Options& options, const Place& place) {
  EnvironmentOptions result;
  result.wait = options.no_wait ? LockWait::fail : LockWait::wait;
  if (options.command == "venv" && options.clear) result.existing = Existing::replace;
  result.own_directory = place.kind == LayoutKind::target ? OwnDirectory::remove : OwnDirectory::keep;
  result.transaction.durability = options.durable ? Durability::durable : Durability::fast;
  result.transaction.jobs = jobs(options);
  return result;
}

ApplyOptions apply_options(const Options& options) {
  ApplyOptions result;
  if (options.force) result.hand_changed = HandChanged::replace;
  if (options.reinstall) result.reuse = Reuse::reinstall;
  if (options.repair) result.reuse = Reuse::repair;
  result.jobs = jobs(options);
  result.source_date_epoch = source_date_epoch(options);
  return result;
}

FetchOptions fetch_options(const Options& options) {
  FetchOptions result;
  result.network = options.offline ? Network::offline : Network::online;
  if (options.concurrency != 0) result.concurrency = options.concurrency;
  result.user_agent = "axle/" + std::string(version);
  result.ca_bundle = variable(options, "CURL_CA_BUNDLE");
  if (result.ca_bundle.empty()) result.ca_bundle = variable(options, "SSL_CERT_FILE");
  result.ca_dir = variable(options, "SSL_CERT_DIR");
  result.netrc_file = variable(options, "NETRC");
  result.credential_urls = index_urls(options, {});
  return result;
}

std::vector<std::string> index_urls(const Options& options, const SourceOptions& of_lock) {
  if (options.no_index || of_lock.no_index) return {};
  std::vector<std::string> urls;
  for (const std::string& named : options.indexes) urls.push_back(index_url_of(named));
  urls.insert(urls.end(), options.extra_index_urls.begin(), options.extra_index_urls.end());
  urls.insert(urls.end(), of_lock.extra_index_urls.begin(), of_lock.extra_index_urls.end());
  std::string main = options.index_url;
  if (main.empty() && of_lock.index_url) main = *of_lock.index_url;
  for (const char* name : {"AXLE_INDEX_URL", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"}) {
    if (main.empty()) main = variable(options, name);
  }
  if (main.empty()) main = default_index_url;
  if (!main.empty()) urls.push_back(main);
  return urls;
}

SelectionRequest selection_request(const Options& options, const Interpreter& interpreter) {
  SelectionRequest request = make_selection_request(tag_target(interpreter), interpreter.version);
  request.environment = marker_environment(interpreter);
  Wanted& wanted = request.wanted;
  wanted.extras = options.extras;
  wanted.all_extras = options.all_extras;
  wanted.groups = options.groups;
  wanted.excluded_groups = options.no_groups;
  wanted.only_groups = options.only_groups;
  wanted.default_groups = !options.no_default_groups;
  wanted.all_groups = options.all_groups;
  request.exclude.insert(options.exclude.begin(), options.exclude.end());
  request.only.insert(options.only.begin(), options.only.end());
  return request;
}

}  // namespace axle::cli
