// The environment's libraries as they lie, described for the link doctor.

#include "exec/check_native.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "axle/base/error.h"
#include "axle/object/link_doctor.h"
#include "base/file.h"
#include "base/text.h"

namespace axle {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

// Lexically without "." and "..": a link's text as the tree names places. Absolute stays absolute; what
// leaves the root by ".." is named by the root's own place.
std::string resolve_target(const std::string& link, const std::string& target, const std::string& root) {
  const std::string parent = parent_of(link);
  const std::string whole = target.starts_with('/') ? target : root + "/" + parent + "/" + target;
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string text;
  for (const std::string_view part : parts) text += "/" + std::string(part);
  if (text.starts_with(root + "/")) text.erase(0, root.size() + 1);
  return text;
}

// The links on the way to the objects.
std::vector<LinkedPath> find_links_to(const Fd& root, const std::string& place,
                                      const std::vector<FoundObject>& objects) {
  std::vector<LinkedPath> links;
  std::set<std::string> seen;
  for (const FoundObject& object : objects) {
    for (std::string path = object.path; !path.empty() && seen.insert(path).second; path = parent_of(path)) {
      if (const auto target = try_read_link(root.get(), path))
        links.push_back({path, resolve_target(path, *target, place)});
    }
  }
  std::sort(links.begin(), links.end(),
            [](const LinkedPath& a, const LinkedPath& b) { return a.path < b.path; });
  return links;
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

// "2.36" of "manylinux_2_36_x86_64", "14.0" of "macosx_14_0_arm64".
std::string libc_version_of(const std::string& platform) {
  const std::vector<std::string_view> parts = split(platform, '_');
  if (parts.size() < 4 || (parts[0] != "manylinux" && parts[0] != "macosx")) return {};
  return std::string(parts[1]) + "." + std::string(parts[2]);
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

LinkPolicy make_link_policy(const Interpreter& interpreter) {
  LinkPolicy policy;
  policy.libc_version = libc_version_of(interpreter.platform);
  switch (interpreter.os) {
    case Os::macos:
      policy.loader = LinkPolicy::Loader::dyld;
      break;
    case Os::windows:
      policy.loader = LinkPolicy::Loader::windows;
      return policy;
    case Os::linux:
    case Os::other:
      policy.loader = interpreter.libc == Libc::musl ? LinkPolicy::Loader::musl : LinkPolicy::Loader::glibc;
      break;
  }
  policy.machine = interpreter.arch;
  if (interpreter.foreign) return policy;
  try {
    describe_program(interpreter.base_executable, policy);
    policy.system_libraries = list_system_libraries();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) throw;  // the tables tell what is usual instead
  }
  return policy;
}

}  // namespace

Diagnostics check_native(const Fd& root, const Layout& layout, const Interpreter& interpreter,
                         const NativeCheck& input) {
  if (input.objects.empty()) return {};
  LinkTree tree;
  tree.root = layout.root;
  for (const FoundObject& object : input.objects) {
    if (object.facts->kind != ObjectFacts::Kind::shared_library) continue;
    tree.objects.push_back({object.path, input.dists[object.dist].name.normalized, object.facts.get()});
  }
  tree.links = find_links_to(root, layout.root, input.objects);
  tree.requires_edges = input.requires_edges;
  const LinkPolicy policy = make_link_policy(interpreter);
  Diagnostics problems = render_links(tree, find_links(tree, policy));
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
