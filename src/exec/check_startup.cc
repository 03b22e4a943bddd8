// Scripts and their interpreters; files that run at every start.

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "exec/check.h"
#include "plan/startup_code.h"

namespace axle {
namespace {

constexpr std::size_t max_startup_text = 1 << 20;

// The first word of a /bin/sh command as the shell reads it; nullopt when the shell would have to compute it.
std::optional<std::string> first_shell_word(std::string_view text) {
  std::string word;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\'') {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '$' || c == '`') {
      return std::nullopt;
    } else if (c == '\\' && i + 1 < text.size()) {
      word += text[++i];
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (quote == 0 && is_space(c)) {
      return word;
    } else {
      word += c;
    }
  }
  return quote == 0 ? std::optional(word) : std::nullopt;
}

bool is_startup_module(std::string_view stem) { return stem == "sitecustomize" || stem == "usercustomize"; }

// What of a site directory may run at every start, as a path below the site directory; "" when nothing does.
std::string startup_file_of(const DirEntry& entry) {
  const std::string_view name = entry.name;
  if (name.ends_with(".pth") || name.ends_with(".start")) return entry.name;
  const bool is_module = name.ends_with(".py") || name.ends_with(".pyc") || name.ends_with(".so");
  if (is_module && is_startup_module(name.substr(0, name.find('.')))) return entry.name;
  if (entry.type != DT_REG && is_startup_module(name)) return entry.name + "/__init__.py";
  return {};
}

}  // namespace

std::optional<std::string> find_script_interpreter(std::string_view head) {
  if (!head.starts_with("#!")) return std::nullopt;
  const std::size_t end = head.find('\n');
  const std::string_view line = trim(head.substr(2, end == std::string_view::npos ? end : end - 2));
  const std::string_view program = line.substr(0, std::min(line.find(' '), line.find('\t')));
  if (!program.starts_with('/')) return std::nullopt;
  const std::string_view name = program.substr(program.rfind('/') + 1);
  if (name == "env") return std::nullopt;
  // The form for paths that the kernel does not take: src/plan/launcher_scripts.cc.
  constexpr std::string_view exec = "'''exec' ";
  if (name == "sh" && end != std::string_view::npos && head.substr(end + 1).starts_with(exec)) {
    const std::string_view rest = head.substr(end + 1 + exec.size());
    auto word = first_shell_word(rest.substr(0, rest.find('\n')));
    if (!word || !word->starts_with('/')) return std::nullopt;
    return word;
  }
  return std::string(program);
}

std::vector<StartupHook> read_startup_hooks(const Fd& root, const Layout& layout,
                                            const Interpreter& interpreter,
                                            const std::vector<RecordedDist>& dists,
                                            const Recorded& recorded) {
  std::vector<StartupHook> hooks;
  std::vector<std::string> sites{layout.purelib ? layout.purelib->str() : std::string()};
  if (layout.platlib != layout.purelib)
    sites.push_back(layout.platlib ? layout.platlib->str() : std::string());
  for (const std::string& site : sites) {
    const auto dir = try_open_dir(root.get(), site.empty() ? "." : site);
    if (!dir) continue;
    const std::vector<DirEntry> listed = list_dir(dir->get(), ".");
    for (const DirEntry& entry : listed) {
      const std::string name = startup_file_of(entry);
      const auto path = RelPath::try_parse(site.empty() ? name : site + "/" + name);
      if (name.empty() || !path) continue;
      // A target directory is no site directory: it can be on the path, and then its modules count, but not
      // its .pth files.
      if (layout.kind == LayoutKind::target && (name.ends_with(".pth") || name.ends_with(".start"))) continue;
      const auto status = try_stat(dir->get(), name);
      if (!status || !S_ISREG(status->st_mode)) continue;
      const MappedFile text = MappedFile::open(dir->get(), name);
      StartupRules rules{python_minor(interpreter.version), {}};
      const std::string start = name.substr(0, name.rfind('.')) + ".start";
      if (std::any_of(listed.begin(), listed.end(),
                      [&](const DirEntry& other) { return other.name == start; })) {
        rules.stem = StartupRules::Stem::with_start;
      }
      StartupHook hook{"", *path, startup_code(name, text.bytes().substr(0, max_startup_text), rules), "",
                       false};
      if (hook.code.empty()) continue;
      if (text.bytes().size() <= max_startup_text) hook.known_as = known_startup_code(hook.code);
      if (const auto owner = recorded.find(path->str()); owner != recorded.end()) {
        hook.distribution = dists[owner->second].name.normalized;
      }
      hooks.push_back(std::move(hook));
    }
  }
  std::sort(hooks.begin(), hooks.end(),
            [](const StartupHook& a, const StartupHook& b) { return a.path < b.path; });
  return hooks;
}

}  // namespace axle
