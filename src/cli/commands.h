#pragma once
// The table of commands: a new one is a file and a row here.

#include <span>
#include <string_view>

#include "cli/options.h"

namespace axle::cli {

// Each returns the exit status; errors are thrown.
int run_sync(const Options& options);
int run_install(const Options& options);
int run_uninstall(const Options& options);
int run_venv(const Options& options);
int run_plan(const Options& options);
int run_layer(const Options& options);
int run_check(const Options& options);
int run_inspect(const Options& options);
int run_fetch(const Options& options);
int run_store(const Options& options);
int run_python(const Options& options);
int run_why(const Options& options);
int run_tree(const Options& options);
int run_size(const Options& options);
int run_sbom(const Options& options);
int run_action(const Options& options);
int run_worker(const Options& options);
int run_rpath(const Options& options);
int run_bundle(const Options& options);
int run_debug(const Options& options);

struct Command {
  std::string_view name;
  std::string_view usage;
  std::string_view summary;  // "" hides it
  int (*run)(const Options&);
};

inline constexpr Command commands[] = {
    {"sync", "axle sync LOCK", "make the environment exactly what the lock says", run_sync},
    {"install", "axle install [WHEEL | NAME==VERSION]... [-r FILE]...", "add wheels, keep the rest",
     run_install},
    {"uninstall", "axle uninstall NAME...", "remove what is recorded", run_uninstall},
    {"venv", "axle venv DIR", "make an empty environment", run_venv},
    {"plan", "axle plan LOCK", "show what sync would do", run_plan},
    {"layer", "axle layer LOCK -o FILE | --oci DIR", "write the environment as a container layer", run_layer},
    {"check", "axle check [--venv DIR]", "compare an environment with its records", run_check},
    {"inspect", "axle inspect WHEEL|DIR...", "show the facts of wheels and environments", run_inspect},
    {"fetch", "axle fetch LOCK...", "fill the store only", run_fetch},
    {"store", "axle store path|verify|gc|size", "look after the store of unpacked wheels", run_store},
    {"python", "axle python [PY]", "show the interpreter that was found", run_python},
    {"why", "axle why PATH...", "say why something lies at a path", run_why},
    {"tree", "axle tree [NAME]...", "show who needs whom", run_tree},
    {"size", "axle size [NAME]...", "show what takes how much", run_size},
    {"sbom", "axle sbom [LOCK]...", "write a bill of materials (CycloneDX)", run_sbom},
    {"action", "axle action @FILE", "unpack, merge, describe wheels for a build system", run_action},
    {"worker", "axle worker", "the same as a persistent worker", run_worker},
    {"rpath", "axle rpath FILE|DIR...", "show or change where native objects look for libraries", run_rpath},
    {"bundle", "axle bundle LOCK --with-python DIR", "make a program that runs where nothing is installed",
     run_bundle},
    {"debug", "axle debug", "", run_debug},
};

const Command* find_command(std::string_view name) noexcept;

}  // namespace axle::cli
