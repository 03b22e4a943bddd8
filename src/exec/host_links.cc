#include "exec/host_links.h"

#include <dirent.h>
#include <fcntl.h>

#include <set>

#include "axle/base/error.h"
#include "axle/plan/links.h"
#include "base/file.h"
#include "base/text.h"

namespace axle {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

void add_configured_dirs(std::vector<std::string>& dirs) {
  const auto conf = try_open_dir(AT_FDCWD, "/etc/ld.so.conf.d");
  if (!conf) return;
  for (const DirEntry& entry : list_dir(conf->get(), ".")) {
    const auto text = try_read_file(conf->get(), entry.name, 1 << 20);
    if (!text) continue;
    for (const std::string_view line : split_lines(*text)) {
      if (trim(line).starts_with('/')) dirs.emplace_back(trim(line));
    }
  }
}

// What this machine's loader finds without being told where.
std::vector<std::string> list_system_libraries() {
  std::vector<std::string> dirs{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"};
  add_configured_dirs(dirs);
  std::set<std::string> names;
  for (const std::string& path : dirs) {
    const auto dir = try_open_dir(AT_FDCWD, path);
    if (!dir) continue;
    for (DirEntry& entry : list_dir(dir->get(), ".")) {
      if (entry.type != DT_DIR && entry.name.find(".so") != std::string::npos)
        names.insert(std::move(entry.name));
    }
  }
  return {names.begin(), names.end()};
}

// What the interpreter's own file says that matters to what it loads.
void describe_program(const std::string& program, LinkPolicy& policy) {
  const auto file = try_open_file(AT_FDCWD, program);
  if (!file) return;
  const auto facts = read_object_file(file->get(), program);
  if (!facts) return;
  policy.program_libraries = facts->needed;
  // RUNPATH is not inherited, and RPATH counts only without one.
  if (!facts->rpath || facts->runpath) return;
  for (const std::string_view entry : split(*facts->rpath, ':')) {
    std::string text(entry);
    for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"}) {
      if (const auto at = text.find(token); at != std::string::npos)
        text.replace(at, token.size(), parent_of(program));
    }
    if (!text.empty()) policy.program_rpaths.push_back(std::move(text));
  }
}

}  // namespace

LinkPolicy host_link_policy(const Interpreter& interpreter) {
  LinkPolicy policy = target_link_policy(interpreter);
  const bool is_elf = policy.loader == LinkPolicy::Loader::glibc || policy.loader == LinkPolicy::Loader::musl;
  if (interpreter.foreign || !is_elf) return policy;
  try {
    describe_program(interpreter.base_executable, policy);
    policy.system_libraries = list_system_libraries();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) throw;  // the tables tell what is usual instead
  }
  return policy;
}

Diagnostics render_native(const LinkTree& tree, const LinkReport& report) {
  Diagnostics problems = render_links(tree, report);
  std::erase_if(problems, [](const Diagnostic& one) { return one.severity == Severity::note; });
  for (Diagnostic& one : problems) {
    constexpr std::string_view prefix = "native-";
    if (one.severity == Severity::error) {
      one.kind = "library-unloadable";
    } else if (one.kind.starts_with(prefix)) {
      one.kind = "library-" + one.kind.substr(prefix.size());
    }
  }
  return problems;
}

}  // namespace axle
