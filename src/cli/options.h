#pragma once
// The command line as a value. Every command takes every common option (docs/cli.md); environment variables
// are read here and nowhere else.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace axle::cli {

struct Options {
  std::string command;
  std::vector<std::string> arguments;  // positional

  // Where.
  std::optional<std::string> venv, target, prefix;
  bool system = false;
  bool break_system_packages = false;
  std::string root;  // DESTDIR
  // For what.
  std::string python, python_version, platform, target_python;
  // What of a lock.
  std::vector<std::string> extras, groups, no_groups, only_groups;
  bool all_extras = false, all_groups = false, no_default_groups = false;
  std::vector<std::string> exclude, only;
  std::vector<std::string> requirements;  // -r
  std::string lock_format;
  bool require_hashes = false;
  bool editable_local = false;
  // From where.
  std::vector<std::string> find_links, indexes, extra_index_urls;
  std::string index_url;
  bool offline = false, no_index = false;
  unsigned concurrency = 0;
  std::vector<std::string> hashes;  // --hash of a named wheel
  // How.
  std::string store;
  bool no_store = false;
  std::string link_mode = "auto", verify = "record", startup_hooks = "warn";
  std::string rpath;  // "": as the environment has it, else auto
  std::vector<std::string> on_conflict;
  std::vector<std::string> allow_hooks;
  std::vector<std::string> prune;
  bool repair = false, reinstall = false, force = false, durable = false, no_wait = false, exact = false;
  bool allow_empty = false, compile = false, allow_missing = false;
  unsigned jobs = 0;
  std::string launcher, launcher_flags;  // "" = as the environment has it, else script
  std::vector<std::string> launcher_env;
  // What to print.
  bool json = false, dry_run = false, quiet = false, no_progress = false;
  int verbose = 0;
  std::string color = "auto";
  // Of single commands.
  std::optional<std::string> prompt;
  bool system_site_packages = false, relocatable = false, clear = false;
  bool check = false, pins = false, native = false, quick = false;
  bool classify = false, licenses = false;
  bool print = false, shrink = false;
  std::optional<std::string> set_rpath;
  std::vector<std::string> add_rpaths, remove_rpaths;
  std::string with_python, entry, module, one_file, settings;  // bundle
  bool with_libs = false, system_libc = false, whole_python = false;
  std::string older_than;
  std::vector<std::string> keep_used_by;
  std::string output;
  // layer
  std::string compression, split, oci, base, mtree, owner;
  bool recompress = false;

  std::map<std::string, std::string> environment;  // variables that axle and the locks read
};

// Parses argv after expanding @FILE. Throws Error(usage). For --help and --version the text is in
// `early_output`.
struct Parsed {
  Options options;
  std::optional<std::string> early_output;
};
Parsed parse_command_line(int argc, const char* const* argv, const char* const* environment);

// A variable, "" when unset.
std::string variable(const Options& options, const std::string& name);

}  // namespace axle::cli
