#include "plan/startup_code.h"

#include <algorithm>

#include "axle/wheel/pth.h"

namespace axle {
namespace {

// '@' stands for a part of a name, '%' for quoted names with what joins them. Nothing that calls, assigns,
// imports or ends a statement can hide in them.
struct Known {
  std::string_view line;
  std::string_view what;
};

constexpr std::string_view shim = "setuptools' distutils shim";
constexpr std::string_view finder = "an editable install's finder";
constexpr std::string_view coverage = "coverage's subprocess measurement";
constexpr std::string_view pytest_cov = "pytest-cov's subprocess measurement";
constexpr std::string_view legacy_namespace = "a legacy namespace package";

constexpr Known known_lines[] = {
    // setuptools 60 and later, 50 to 59.
    {"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, '%') == 'local'; enabled "
     "and "
     "__import__('_distutils_hack').add_shim();",
     shim},
    {"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, '%') == 'local'; enabled "
     "and "
     "__import__('_distutils_hack');",
     shim},
    {"import os; enabled = os.environ.get('SETUPTOOLS_USE_DISTUTILS') == 'local'; enabled and "
     "__import__('_distutils_hack');",
     shim},
    // setuptools' and meson-python's editable installs.
    {"import __editable__@; __editable__@.install()", finder},
    {"import _@_editable_loader", finder},
    {"import coverage; coverage.process_startup()", coverage},
    {"import sys; exec('import os\\n\\nif os.getenv(\"COVERAGE_PROCESS_START\") or "
     "os.getenv(\"COVERAGE_PROCESS_CONFIG\"):\\n try:\\n  import coverage\\n except:\\n  pass\\n else:\\n  "
     "coverage.process_startup(slug=\"pth\")')",
     coverage},
    {R"(import os, sys;exec('if \'COV_CORE_SOURCE\' in os.environ:\n try:\n  from pytest_cov.embed import init\n  )"
     R"(init()\n except Exception as exc:\n  sys.stderr.write(\n   "pytest-cov: Failed to setup subprocess )"
     R"(coverage. "\n   "Environ: {0!r} "\n   "Exception: {1!r}\\n".format(\n    dict((k, v) for k, v in )"
     R"(os.environ.items() if k.startswith(\'COV_CORE\')),\n    exc\n   )\n  )\n'))",
     pytest_cov},
    {"import _virtualenv", "virtualenv's own patch"},
    // setuptools' *-nspkg.pth: the first level, and those below it; before importlib had what it needs.
    {"import sys, types, os;has_mfs = sys.version_info > (3, 5);p = "
     "os.path.join(sys._getframe(1).f_locals['sitedir'], *(%));importlib = has_mfs and "
     "__import__('importlib.util');has_mfs and __import__('importlib.machinery');m = has_mfs and "
     "sys.modules.setdefault(%, importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spec(%, "
     "[os.path.dirname(p)])));m = m or sys.modules.setdefault(%, types.ModuleType(%));mp = (m or []) and "
     "m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)",
     legacy_namespace},
    {"import sys, types, os;has_mfs = sys.version_info > (3, 5);p = "
     "os.path.join(sys._getframe(1).f_locals['sitedir'], *(%));importlib = has_mfs and "
     "__import__('importlib.util');has_mfs and __import__('importlib.machinery');m = has_mfs and "
     "sys.modules.setdefault(%, importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spec(%, "
     "[os.path.dirname(p)])));m = m or sys.modules.setdefault(%, types.ModuleType(%));mp = (m or []) and "
     "m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p);m and setattr(sys.modules[%], %, "
     "m)",
     legacy_namespace},
    {"import sys, types, os;p = os.path.join(sys._getframe(1).f_locals['sitedir'], *(%));ie = "
     "os.path.exists(os.path.join(p,'__init__.py'));m = not ie and sys.modules.setdefault(%, "
     "types.ModuleType(%));mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and "
     "mp.append(p)",
     legacy_namespace},
    {"import sys, types, os;p = os.path.join(sys._getframe(1).f_locals['sitedir'], *(%));ie = "
     "os.path.exists(os.path.join(p,'__init__.py'));m = not ie and sys.modules.setdefault(%, "
     "types.ModuleType(%));mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and "
     "mp.append(p);m and setattr(sys.modules[%], %, m)",
     legacy_namespace},
};

bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_names_character(char c) noexcept {
  return is_name_character(c) || c == '.' || c == ',' || c == '\'' || c == ' ';
}

bool is_like(std::string_view line, std::string_view pattern) noexcept {
  const std::size_t hole = pattern.find_first_of("@%");
  if (!line.starts_with(pattern.substr(0, hole))) return false;
  if (hole == std::string_view::npos) return line.size() == pattern.size();
  const bool fits_all = pattern[hole] == '%';
  line.remove_prefix(hole);
  pattern.remove_prefix(hole + 1);
  // The first place where the pattern goes on will do: no pattern repeats what follows a hole within it.
  const std::size_t next = pattern.find_first_of("@%");
  const std::string_view literal = pattern.substr(0, next);
  const std::size_t end = literal.empty() ? line.size() : line.find(literal);
  if (end == std::string_view::npos) return false;
  const auto fits = fits_all ? is_names_character : is_name_character;
  if (!std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(end), fits)) return false;
  return is_like(line.substr(end), pattern);
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

bool is_import(std::string_view line) noexcept {
  return line.starts_with("import ") || line.starts_with("import\t");
}

// spec: PEP 829: from 3.15 on lines are stripped first, a .start of the same stem takes the place of the
// import lines, and from 3.18 on they do not run at all.
std::vector<std::string> pth_code(std::string_view text, const StartupRules& rules) {
  const bool known = rules.python.major != 0;
  const bool has_start_files = known && rules.python >= PythonMinor{3, 15};
  if (has_start_files && rules.stem == StartupRules::Stem::with_start) return {};
  if (known && rules.python >= PythonMinor{3, 18}) return {};
  std::vector<std::string> code;
  for (const PthLine& line : classify_pth(text)) {
    const bool indented =
        (has_start_files || !known) && line.kind == PthLine::Kind::path && is_import(trimmed(line.text));
    if (line.kind == PthLine::Kind::code || indented) code.push_back(line.text);
  }
  return code;
}

}  // namespace

std::string known_startup_code(const std::vector<std::string>& lines) {
  std::string_view what;
  for (const std::string& line : lines) {
    const auto known = std::find_if(std::begin(known_lines), std::end(known_lines),
                                    [&](const Known& one) { return is_like(trimmed(line), one.line); });
    if (known == std::end(known_lines)) return {};
    what = known->what;
  }
  return std::string(what);
}

std::vector<std::string> startup_code(std::string_view name, std::string_view text,
                                      const StartupRules& rules) {
  if (name.ends_with(".pth")) return pth_code(text, rules);
  if (!name.ends_with(".start")) return {"the whole module"};
  std::vector<std::string> code;
  for (const PthLine& line : classify_start(text)) {
    if (line.kind == PthLine::Kind::code) code.push_back(line.text);
  }
  return code;
}

}  // namespace axle
