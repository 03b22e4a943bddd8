#include "cli/editable.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "axle/base/error.h"
#include "axle/lock/parse.h"
#include "axle/lock/project.h"
#include "axle/pep/name.h"
#include "axle/plan/direct_url.h"
#include "axle/wheel/editable.h"
#include "base/fd.h"
#include "base/file.h"
#include "cli/context.h"
#include "store/scratch.h"

namespace axle::cli {
namespace {

std::string directory_of_project(const LocalProject& project) {
  return absolute_path(project.path.empty() ? "." : project.path);
}

PathKind look(const std::string& path) {
  const auto status = try_stat(AT_FDCWD, path);
  if (!status) return PathKind::none;
  return S_ISDIR(status->st_mode) ? PathKind::directory : PathKind::file;
}

bool names(const std::vector<std::string>& list, const std::string& name) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& one) { return normalize_name(one) == normalize_name(name); });
}

EditableWheel wheel_of(const std::string& directory, ProjectFacts&& facts) {
  EditableProject project{
      facts.name, facts.version, std::move(facts.metadata), std::move(facts.entry_points), {}};
  for (const std::string& below : facts.directories)
    project.directories.push_back(below.empty() ? directory : directory + "/" + below);
  return make_editable_wheel(project);
}

// A wheel that the store has needs no archive.
WheelFacts put_into_store(const EditableWheel& wheel, const Options& options, Store& store,
                          Diagnostics& notes) {
  const ScratchDirectory scratch(store.root(), "editable");
  WheelSource source;
  source.file_name = wheel.file_name;
  source.hashes = {{HashAlgorithm::sha256, Sha256::of(wheel.bytes).hex()}};
  if (!store.find(source)) {
    source.path = store.path() + "/" + scratch.path() + "/" + wheel.file_name;
    create_file(AT_FDCWD, source.path, wheel.bytes, {});
  }
  return store.ensure(std::span(&source, 1), {verify_level(options), jobs(options)}, notes).front();
}

}  // namespace

std::vector<ReceiptInput> editable_inputs(const Options& options, const Chosen& chosen) {
  std::vector<ReceiptInput> inputs;
  if (!options.editable_local) return inputs;
  for (const LocalProject& project : chosen.local_projects) {
    for (const char* name : {"/pyproject.toml", "/setup.py", "/setup.cfg"}) {
      const std::string path = directory_of_project(project) + name;
      const auto text = try_read_file(AT_FDCWD, path, max_lock_size);
      inputs.push_back({path, text ? Sha256::of(*text) : Sha256{}});
    }
  }
  return inputs;
}

std::vector<PlanWheel> editable_wheels(const Options& options, const Chosen& chosen, Store& store,
                                       Diagnostics& notes) {
  std::vector<PlanWheel> wheels;
  if (!options.editable_local) return wheels;
  for (const LocalProject& project : chosen.local_projects) {
    if (!project.installable) continue;
    if (options.target) {
      throw Error(ErrorCode::usage, project.place,
                  "a project is installed in place by a .pth file, which nobody reads in a plain directory",
                  "leave out --target or --editable-local");
    }
    const std::string directory = directory_of_project(project);
    ProjectContext context;
    context.directory = directory;
    context.read_file = [](const std::string& path) { return try_read_file(AT_FDCWD, path, max_lock_size); };
    context.look = look;
    ProjectFacts facts = parse_project(context);
    if (names(options.exclude, facts.name) || (!options.only.empty() && !names(options.only, facts.name)))
      continue;
    const EditableWheel wheel = wheel_of(directory, std::move(facts));
    wheels.push_back(
        {put_into_store(wheel, options, store, notes), true, render_editable_url(directory), true});
  }
  return wheels;
}

}  // namespace axle::cli
