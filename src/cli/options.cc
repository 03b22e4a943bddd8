#include "cli/options.h"

#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string_view>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/action_line.h"
#include "cli/commands.h"
#include "cli/version.h"

namespace axle::cli {
namespace {

// The only variables that anything in axle sees, but for what locks name in ${...}.
std::map<std::string, std::string> copy_environment(const char* const* environment) {
  std::map<std::string, std::string> copy;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view row = *environment;
    const std::size_t equals = row.find('=');
    if (equals != std::string_view::npos) copy.emplace(row.substr(0, equals), row.substr(equals + 1));
  }
  return copy;
}

// "@FILE": arguments from FILE, one a line. A file may not name further files.
std::vector<std::string> expand_arguments(int argc, const char* const* argv) {
  std::vector<std::string> expanded;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.size() < 2 || argument[0] != '@') {
      expanded.push_back(argument);
      continue;
    }
    const std::string text = read_file(AT_FDCWD, argument.substr(1));
    for (const std::string_view line : split_lines(text)) {
      if (!line.empty()) expanded.emplace_back(line);
    }
  }
  return expanded;
}

void add_place_options(CLI::App& app, Options& o) {
  app.add_option("--venv", o.venv, "the environment; default: $VIRTUAL_ENV, else ./.venv");
  app.add_option("--target", o.target, "a plain directory tree instead of an environment");
  app.add_option("--prefix", o.prefix, "a prefix by the interpreter's scheme");
  app.add_flag("--system", o.system, "the interpreter's own site-packages");
  app.add_flag("--break-system-packages", o.break_system_packages,
               "write where EXTERNALLY-MANAGED forbids it");
  app.add_option("--root", o.root, "put before every absolute path (staged installs)");
  app.add_option("--python", o.python, "interpreter: a path, a version or a facts file");
  // plan --pins takes several targets: a list with commas, or the option again.
  app.add_option("--python-version", o.python_version, "for another Python than the host's: X.Y[.Z]")
      ->join(',');
  app.add_option("--platform", o.platform, "for another platform: manylinux_2_28_x86_64, win_amd64, ...")
      ->join(',');
  app.add_option("--target-python", o.target_python, "where the interpreter is on such a target");
}

void add_selection_options(CLI::App& app, Options& o) {
  app.add_option("--extra", o.extras, "an extra of the lock")->allow_extra_args(false);
  app.add_flag("--all-extras", o.all_extras, "all extras");
  app.add_option("--group", o.groups, "a dependency group")->allow_extra_args(false);
  app.add_option("--no-group", o.no_groups, "leave a group out")->allow_extra_args(false);
  app.add_option("--only-group", o.only_groups, "nothing but this group")->allow_extra_args(false);
  app.add_flag("--no-default-groups", o.no_default_groups, "no group that is not named");
  app.add_flag("--all-groups", o.all_groups, "all groups");
  app.add_option("--exclude", o.exclude, "leave a distribution out")->allow_extra_args(false);
  app.add_option("--only", o.only, "only these of the lock's distributions")->allow_extra_args(false);
  app.add_option("-r,--requirement", o.requirements, "a lock or requirements file")->allow_extra_args(false);
  app.add_option("--lock-format", o.lock_format, "the lock's format, when its name does not tell");
  app.add_flag("--require-hashes", o.require_hashes, "every archive must have a hash in the lock");
  app.add_flag("--editable-local", o.editable_local, "install local projects by a .pth file");
  app.add_option("--hash", o.hashes, "the hash of a wheel given by name")->allow_extra_args(false);
  app.add_flag("--allow-empty", o.allow_empty, "accept a lock that selects nothing");
  app.add_flag("--allow-missing", o.allow_missing, "uninstall: unknown names are no error");
}

void add_source_options(CLI::App& app, Options& o) {
  app.add_option("-f,--find-links", o.find_links, "a directory of wheels or a page of links")
      ->allow_extra_args(false);
  app.add_option("--index-url,-i", o.index_url, "simple index");
  app.add_option("--extra-index-url", o.extra_index_urls, "one more index")->allow_extra_args(false);
  app.add_option("--index", o.indexes, "NAME=URL, one more index")->allow_extra_args(false);
  app.add_flag("--no-index", o.no_index, "ask no index");
  app.add_flag("--offline", o.offline, "nothing may touch the network");
  app.add_option("--concurrency", o.concurrency, "downloads at a time");
}

void add_manner_options(CLI::App& app, Options& o) {
  app.add_option("--store", o.store, "the store of unpacked wheels");
  app.add_flag("--no-store", o.no_store, "unpack straight into place");
  app.add_option("--link-mode", o.link_mode, "auto, clone, hardlink, symlink or copy")
      ->check(CLI::IsMember({"auto", "clone", "hardlink", "symlink", "copy"}));
  app.add_option("--on-conflict", o.on_conflict, "error, first or last; or GLOB=POLICY")
      ->allow_extra_args(false);
  app.add_option("--verify", o.verify, "record, strict, archive or none")
      ->check(CLI::IsMember({"record", "strict", "archive", "none"}));
  app.add_option("--rpath", o.rpath, "auto, fix or keep")->check(CLI::IsMember({"auto", "fix", "keep"}));
  app.add_option("--startup-hooks", o.startup_hooks, "allow, warn or deny")
      ->check(CLI::IsMember({"allow", "warn", "deny"}));
  app.add_option("--allow-hook", o.allow_hooks, "a distribution whose hooks are known")
      ->allow_extra_args(false);
  app.add_option("--prune", o.prune, "leave out tests, stubs, headers, byte-code or GLOB; !GLOB keeps")
      ->allow_extra_args(false);
}

void add_change_options(CLI::App& app, Options& o) {
  app.add_flag("--repair", o.repair, "put back changed files");
  app.add_flag("--reinstall", o.reinstall, "lay everything anew");
  app.add_flag("--force", o.force, "touch files that were changed by hand");
  app.add_flag("--durable", o.durable, "flush to the disk");
  app.add_flag("--no-wait", o.no_wait, "fail instead of waiting for another axle");
  app.add_flag("--exact", o.exact, "also remove pip, setuptools and wheel");
  app.add_flag("--compile", o.compile, "byte-compile with the interpreter");
  app.add_option("-j,--jobs", o.jobs, "threads");
}

void add_environment_options(CLI::App& app, Options& o) {
  app.add_option("--prompt", o.prompt, "the prompt of a new environment");
  app.add_flag("--system-site-packages", o.system_site_packages,
               "a new environment sees the interpreter's packages");
  app.add_flag("--relocatable", o.relocatable, "the environment can be moved");
  app.add_option("--launcher", o.launcher, "script, sh or native")
      ->check(CLI::IsMember({"script", "sh", "native"}));
  app.add_option("--launcher-flags", o.launcher_flags, "what launchers give the interpreter: '-I -X utf8'");
  app.add_option("--launcher-env", o.launcher_env, "NAME=VALUE, NAME?=VALUE or NAME: for native launchers")
      ->allow_extra_args(false);
  app.add_flag("--clear", o.clear, "empty an existing environment first");
}

void add_bundle_options(CLI::App& app, Options& o) {
  app.add_option("--with-python", o.with_python, "bundle: the prefix of the Python to take along");
  app.add_option("--entry", o.entry, "bundle: the script to start");
  app.add_option("--module", o.module, "bundle: the module to start, as python -m does");
  app.add_option("--one-file", o.one_file, "bundle: one executable, which unpacks itself once");
  app.add_option("--settings", o.settings, "bundle: a TOML file with flags, arguments, variables");
  app.add_flag("--with-libs", o.with_libs, "bundle: take along every library, the C library too");
  app.add_flag("--system-libc", o.system_libc, "bundle: with --with-libs, leave the C library to the target");
  app.add_flag("--whole-python", o.whole_python, "bundle: leave out nothing of the interpreter's tree");
}

void add_output_options(CLI::App& app, Options& o) {
  app.add_option("-o,--output", o.output, "where the result goes");
  app.add_flag("--json", o.json, "one JSON object on standard output");
  app.add_flag("--dry-run", o.dry_run, "only say what would be done");
  app.add_flag("-q,--quiet", o.quiet, "print errors only");
  app.add_flag("-v,--verbose", o.verbose, "print more");
  app.add_flag("--no-progress", o.no_progress, "no progress bar");
  app.add_option("--color", o.color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

void add_report_options(CLI::App& app, Options& o) {
  app.add_flag("--check", o.check, "plan: exit 1 if anything would change");
  app.add_flag("--pins", o.pins, "plan: only the selection");
  app.add_flag("--native", o.native, "check: only native libraries");
  app.add_flag("--quick", o.quick, "check: trust files whose size and time are unchanged");
  app.add_flag("--classify", o.classify, "inspect: what each file is, and why");
  app.add_flag("--licenses", o.licenses, "sbom: only the licences");
  app.add_option("--older-than", o.older_than, "gc: only what was not used for so long (30d, 12h)");
  app.add_option("--keep-used-by", o.keep_used_by, "gc: keep what this lock or environment uses")
      ->allow_extra_args(false);
}

void add_layer_options(CLI::App& app, Options& o) {
  app.add_option("--compression", o.compression, "layer: none, gzip or zstd; else by the file's suffix")
      ->check(CLI::IsMember({"none", "gzip", "zstd"}));
  app.add_flag("--recompress", o.recompress, "layer: take over nothing of the wheels' own compression");
  app.add_option("--oci", o.oci, "layer: an OCI image layout to write to");
  app.add_option("--base", o.base, "layer: the OCI image layout to append to, DIR or DIR:REF");
  app.add_option("--split", o.split, "layer: package, size:N or none");
  app.add_option("--mtree", o.mtree, "layer: also write an mtree specification");
  app.add_option("--owner", o.owner, "layer: UID or UID:GID of everything; default 0:0");
}

void add_rpath_options(CLI::App& app, Options& o) {
  app.add_flag("--print", o.print, "rpath: show the lists (the default)");
  app.add_option("--set", o.set_rpath, "rpath: this list, entries between colons; \"\" removes it");
  app.add_option("--add", o.add_rpaths, "rpath: one more entry, at the end")->allow_extra_args(false);
  app.add_option("--remove", o.remove_rpaths, "rpath: without this entry")->allow_extra_args(false);
  app.add_flag("--shrink", o.shrink, "rpath: only entries in which a needed library is found");
}

std::string overview() {
  std::string text =
      "axle " + std::string(version) +
      ": locked wheels in, a working Python environment out\n\nUsage: axle COMMAND [OPTIONS] ...\n\n";
  for (const Command& command : commands) {
    if (command.summary.empty()) continue;
    std::string name(command.name);
    name.resize(12, ' ');
    text += "  " + name + std::string(command.summary) + "\n";
  }
  return text + "\n'axle COMMAND --help' lists the options.\n";
}

}  // namespace

const Command* find_command(std::string_view name) noexcept {
  const auto* found = std::find_if(std::begin(commands), std::end(commands),
                                   [&](const Command& command) { return command.name == name; });
  return found == std::end(commands) ? nullptr : found;
}

Parsed parse_command_line(int argc, const char* const* argv, const char* const* environment) {
  Parsed parsed;
  Options& options = parsed.options;
  if (auto action = find_action(argc, argv)) {
    options.command = action->command;
    options.arguments = std::move(action->arguments);
    return parsed;
  }
  options.environment = copy_environment(environment);
  std::vector<std::string> arguments = expand_arguments(argc, argv);
  if (arguments == std::vector<std::string>{"--version"} || arguments == std::vector<std::string>{"-V"}) {
    parsed.early_output = "axle " + std::string(version) + "\n";
    return parsed;
  }

  CLI::App app;
  bool show_version = false;
  bool show_help = false;
  app.set_help_flag();
  app.add_flag("-h,--help", show_help, "print this help");
  app.add_flag("-V,--version", show_version, "print the version");
  std::vector<std::string> positional;
  app.add_option("ARGUMENTS", positional);
  // In groups, because CLI11 compares each new option with all others of its group: that took longer than all
  // else that a run of a millisecond does before it begins.
  const auto group = [&](const char* name) -> CLI::App& { return *app.add_option_group(name); };
  add_place_options(group("Place and target"), options);
  add_selection_options(group("Selection"), options);
  add_source_options(group("Sources"), options);
  add_manner_options(group("Installing"), options);
  add_change_options(group("Changing"), options);
  add_environment_options(group("New environments"), options);
  add_bundle_options(group("bundle"), options);
  add_output_options(group("Output"), options);
  add_report_options(group("plan, check, inspect, sbom, store"), options);
  add_layer_options(group("layer"), options);
  add_rpath_options(group("rpath"), options);

  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::Error& error) {
    throw Error(ErrorCode::usage, error.what(), "'axle --help' lists commands and options");
  }
  if (show_version) {
    parsed.early_output = "axle " + std::string(version) + "\n";
    return parsed;
  }
  if (positional.empty()) {
    if (!show_help) throw Error(ErrorCode::usage, "no command is given", "'axle --help' lists them");
    parsed.early_output = overview();
    return parsed;
  }
  const Command* command = find_command(positional.front());
  if (command == nullptr) {
    throw Error(ErrorCode::usage, "unknown command " + axle::quoted(positional.front()),
                "'axle --help' lists them");
  }
  if (show_help) {
    parsed.early_output = std::string(command->usage) + " [OPTIONS]\n" + std::string(command->summary) +
                          "\n\n" + app.help("axle " + std::string(command->name));
    return parsed;
  }
  options.command = positional.front();
  options.arguments.assign(positional.begin() + 1, positional.end());
  if (options.target.has_value() + options.prefix.has_value() + int{options.system} +
          options.venv.has_value() >
      1) {
    throw Error(ErrorCode::usage, "--venv, --target, --prefix and --system exclude one another",
                "give one of them");
  }
  return parsed;
}

std::string variable(const Options& options, const std::string& name) {
  const auto found = options.environment.find(name);
  return found == options.environment.end() ? std::string() : found->second;
}

}  // namespace axle::cli
