#include "exec/machine_libraries.h"

#include <dirent.h>
#include <fcntl.h>

#include <climits>
#include <cstdlib>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"

namespace axle {
namespace {

void add_configured(const std::string& path, std::vector<std::string>& dirs) {
  const auto text = try_read_file(AT_FDCWD, path, 1 << 20);
  if (!text) return;
  for (const std::string_view line : split_lines(*text)) {
    if (trim(line).starts_with('/')) dirs.emplace_back(trim(line));
  }
}

}  // namespace

MachineLibraries::MachineLibraries() {
  add_configured("/etc/ld.so.conf", dirs_);
  if (const auto conf = try_open_dir(AT_FDCWD, "/etc/ld.so.conf.d")) {
    for (const DirEntry& entry : list_dir(conf->get(), ".")) {
      if (entry.name.ends_with(".conf")) add_configured("/etc/ld.so.conf.d/" + entry.name, dirs_);
    }
  }
  for (const char* dir : {"/lib64", "/usr/lib64", "/lib", "/usr/lib"}) dirs_.emplace_back(dir);
}

std::optional<MachineLibrary> MachineLibraries::find(const std::string& name,
                                                     const ObjectFacts& wanted) const {
  if (name.find('/') != std::string::npos) return std::nullopt;
  for (const std::string& dir : dirs_) {
    const std::string path = dir + "/" + name;
    const auto file = try_open_file(AT_FDCWD, path);
    if (!file) continue;
    const auto facts = read_object_file(file->get(), path);
    if (!facts || facts->machine != wanted.machine || facts->bits != wanted.bits) continue;
    char real[PATH_MAX];
    return MachineLibrary{realpath(path.c_str(), real) != nullptr ? real : path, *facts};
  }
  return std::nullopt;
}

}  // namespace axle
