// A pyproject.toml ends in facts or an axle::Error with a place; every directory it names stays in the
// project.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "axle/base/error.h"
#include "axle/lock/project.h"
#include "axle/wheel/editable.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  axle::ProjectContext context;
  context.directory = "/p";
  context.read_file = [&](const std::string& path) {
    return path == "/p/pyproject.toml" ? std::optional(text) : std::nullopt;
  };
  context.look = [](const std::string& path) {
    return path.ends_with(".py") || path.ends_with(".cfg") ? axle::PathKind::none : axle::PathKind::directory;
  };
  try {
    axle::ProjectFacts facts = axle::parse_project(context);
    axle::EditableProject project{facts.name, facts.version, facts.metadata, facts.entry_points, {}};
    for (const std::string& directory : facts.directories) {
      if (directory.starts_with('/') || ("/" + directory + "/").find("/../") != std::string::npos)
        std::abort();
      project.directories.push_back("/p/" + directory);
    }
    static_cast<void>(axle::make_editable_wheel(project));
  } catch (const axle::Error& error) {
    if (error.message().empty()) std::abort();
  }
  return 0;
}
