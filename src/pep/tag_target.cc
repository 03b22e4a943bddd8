// The tags that a Python accepts, best first. spec: PEP 425, "Platform compatibility tags"; PEP 384 (abi3),
// PEP 803 (abi3t). The order is that of packaging 26.3:
//
//   the interpreter's own ABIs, its stable ABI, no ABI, the stable ABI of each older minor version (CPython
//   only), then pure Python with a platform, then without: each from the interpreter's own version down.

#include <axle/base/error.h>
#include <axle/pep/tag.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "pep/scan.h"

namespace axle {
namespace {

// Platforms times minor versions: ten times what the longest real list has.
constexpr std::size_t max_list = 100'000;

// "3.12.4" is {3, 12}; a lone "3" has no minor.
struct PythonVersion {
  int major = 3;
  std::optional<int> minor;

  std::string nodot() const { return std::to_string(major) + (minor ? std::to_string(*minor) : ""); }
  bool at_least(int wanted_major, int wanted_minor) const {
    return minor && (major > wanted_major || (major == wanted_major && *minor >= wanted_minor));
  }
};

std::optional<int> parse_small_number(std::string_view text) {
  if (text.empty() || text.size() > 3 || digits_at_front(text).size() != text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value <= 255 ? std::optional(value) : std::nullopt;
}

// Of a full version ("3.15.0rc1") only the first two numbers count.
PythonVersion parse_python(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, '.');
  const auto major = parse_small_number(parts[0]);
  const auto minor = parts.size() > 1 ? parse_small_number(parts[1]) : std::nullopt;
  if (!major || *major == 0 || (parts.size() > 1 && !minor)) {
    throw Error(ErrorCode::bad_input, quoted(text) + " is not a Python version", "write it as 3.12");
  }
  return PythonVersion{*major, minor};
}

std::string short_name(std::string_view implementation) {
  struct Name {
    std::string_view name;
    std::string_view short_name;
  };
  constexpr std::array<Name, 5> names = {
      {{"python", "py"}, {"cpython", "cp"}, {"pypy", "pp"}, {"ironpython", "ip"}, {"jython", "jy"}}};
  std::string lower = ascii_lower(implementation);
  for (const Name& name : names) {
    if (lower == name.name) return std::string(name.short_name);
  }
  return lower;
}

// What follows "cp312" in a CPython ABI: "", "t", "td".
std::string_view abi_flags(std::string_view abi) {
  if (!abi.starts_with("cp")) return {};
  const std::string_view digits = digits_at_front(abi.substr(2));
  return digits.empty() ? std::string_view() : abi.substr(2 + digits.size());
}

std::vector<std::string> cpython_abis(const TagTarget& target, const PythonVersion& version) {
  if (target.abi) {
    const std::string abi = ascii_lower(*target.abi);
    std::vector<std::string> abis = {abi};
    // A debug build loads the modules of a release build as well.
    const std::string_view flags = abi_flags(abi);
    if (version.at_least(3, 8) && (flags == "d" || flags == "td"))
      abis.push_back(abi.substr(0, abi.size() - 1));
    return abis;
  }
  if (!version.minor) return {};
  std::string abi = "cp" + version.nodot();
  if (target.free_threaded && version.at_least(3, 13)) abi += 't';
  // Until 3.7 the allocator, and until 3.2 the width of characters, were part of the name.
  if (!version.at_least(3, 8)) abi += version.at_least(3, 3) ? "m" : "mu";
  return {abi};
}

void add(std::vector<Tag>& tags, const std::string& interpreter, std::string_view abi,
         const std::vector<std::string>& platforms) {
  for (const std::string& platform : platforms) tags.push_back(Tag{interpreter, std::string(abi), platform});
}

void add_cpython(const TagTarget& target, const PythonVersion& version,
                 const std::vector<std::string>& platforms, std::vector<Tag>& tags) {
  const std::string interpreter = "cp" + version.nodot();
  const std::vector<std::string> abis = cpython_abis(target, version);
  const bool free_threaded = !abis.empty() && abi_flags(abis.front()).find('t') != std::string_view::npos;
  // A free-threaded Python cannot load abi3 modules; its own stable ABI is abi3t.
  const std::string_view stable = free_threaded ? "abi3t" : "abi3";
  const bool has_stable = version.at_least(3, 2);

  for (const std::string& abi : abis) {
    if (abi != stable && abi != "abi3" && abi != "none") add(tags, interpreter, abi, platforms);
  }
  if (has_stable) add(tags, interpreter, stable, platforms);
  add(tags, interpreter, "none", platforms);
  if (!has_stable) return;
  for (int minor = *version.minor - 1; minor >= 2; --minor) {
    add(tags, "cp" + PythonVersion{version.major, minor}.nodot(), stable, platforms);
  }
}

void add_other(const TagTarget& target, const std::string& implementation, const PythonVersion& version,
               const std::vector<std::string>& platforms, std::vector<Tag>& tags) {
  const std::string interpreter = implementation + version.nodot();
  std::vector<std::string> abis;
  if (target.abi) {
    abis.push_back(ascii_lower(*target.abi));
  } else if (implementation == "pp") {
    // The ABI of every PyPy for Python 3 since 2020.
    abis.push_back("pypy" + version.nodot() + "_pp73");
  }
  if (std::find(abis.begin(), abis.end(), "none") == abis.end()) abis.push_back("none");
  for (const std::string& abi : abis) add(tags, interpreter, abi, platforms);
}

// "py312", "py3", "py311", ... "py30".
std::vector<std::string> pure_interpreters(const PythonVersion& version) {
  const std::string generic = "py" + std::to_string(version.major);
  if (!version.minor) return {generic};
  std::vector<std::string> names = {"py" + version.nodot(), generic};
  for (int minor = *version.minor - 1; minor >= 0; --minor) {
    names.push_back("py" + PythonVersion{version.major, minor}.nodot());
  }
  return names;
}

}  // namespace

std::vector<Tag> compatible_tags(const TagTarget& target) {
  const PythonVersion version = parse_python(target.python);
  const std::string implementation = short_name(target.implementation);
  const std::vector<std::string> platforms = compatible_platforms(target.platform);
  if (platforms.size() * static_cast<std::size_t>(version.minor.value_or(0) + 2) > max_list) {
    throw Error(ErrorCode::bad_input, "Python " + quoted(target.python) + " on " + quoted(target.platform) +
                                          " would accept more tags than any real target does");
  }
  std::vector<Tag> tags;
  if (implementation == "cp") {
    add_cpython(target, version, platforms, tags);
  } else {
    add_other(target, implementation, version, platforms, tags);
  }

  const std::vector<std::string> pure = pure_interpreters(version);
  for (const std::string& name : pure) add(tags, name, "none", platforms);
  if (implementation == "cp") tags.push_back(Tag{"cp" + version.nodot(), "none", "any"});
  if (implementation == "pp") tags.push_back(Tag{"pp3", "none", "any"});
  for (const std::string& name : pure) tags.push_back(Tag{name, "none", "any"});
  return tags;
}

}  // namespace axle
