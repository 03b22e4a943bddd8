// The file: a first line with the format's number, one line of identity for the interpreter and one for its C
// library, then `key value` lines and a last line "end", without which it was cut short.

#include "env/facts_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "axle/base/digest.h"
#include "axle/base/error.h"
#include "base/file.h"
#include "base/temporary_file.h"
#include "base/text.h"
#include "env/facts_fields.h"
#include "env/paths.h"

namespace axle {
namespace {

constexpr std::string_view first_line = "axle interpreter 1";
constexpr std::uint64_t max_cache_file = 64U << 10;

std::string cache_file(const std::string& cache_dir, const std::string& executable) {
  return path_in(cache_dir, "interpreters/" + Sha256::of(executable).hex().substr(0, 32));
}

// "INODE SIZE MTIME PATH"; "" when the file is gone.
std::string identity(const std::string& path) {
  if (path.empty()) return "none";
  const std::optional<struct stat> status = try_stat(AT_FDCWD, path);
  if (!status) return {};
  return std::to_string(status->st_ino) + " " + std::to_string(status->st_size) + " " +
         std::to_string(mtime_ns(*status)) + " " + path;
}

// The path of an identity line.
std::string identified_path(std::string_view line) {
  for (int i = 0; i < 3; ++i) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return std::string(line);
}

// Calls visit(key, field) for every text that is kept.
template <typename Facts, typename Visit>
void for_each_kept(Facts& facts, Visit visit) {
  visit("executable", facts.executable);
  visit("version", facts.version);
  visit("platform", facts.platform);
  visit("arch", facts.arch);
  for_each_text_fact(facts, visit);
  for_each_scheme_path(facts.system, visit);
}

bool assign(Interpreter& facts, std::string_view key, std::string_view value) {
  if (key == "os") {
    const std::optional<Os> os = parse_os(value);
    if (os) facts.os = *os;
    return os.has_value();
  }
  if (key == "libc") {
    const std::optional<Libc> libc = parse_libc(value);
    if (libc) facts.libc = *libc;
    return libc.has_value();
  }
  if (key == "free_threaded" || key == "debug") {
    (key == "debug" ? facts.debug : facts.free_threaded) = value == "1";
    return true;
  }
  bool known = false;
  for_each_kept(facts, [&](std::string_view name, std::string& field) {
    if (name != key) return;
    field = value;
    known = true;
  });
  return known;
}

}  // namespace

std::optional<Interpreter> read_cached_facts(const std::string& cache_dir,
                                             const std::string& executable) try {
  const std::optional<std::string> text =
      try_read_file(AT_FDCWD, cache_file(cache_dir, executable), max_cache_file);
  if (!text) return std::nullopt;
  const std::vector<std::string_view> lines = split_lines(*text);
  if (lines.size() < 4 || lines.front() != first_line || lines.back() != "end") return std::nullopt;
  if (lines[1] != identity(executable)) return std::nullopt;
  if (lines[2] != "none" && lines[2] != identity(identified_path(lines[2]))) return std::nullopt;
  Interpreter facts;
  for (std::size_t i = 3; i + 1 < lines.size(); ++i) {
    const std::size_t space = lines[i].find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    if (!assign(facts, lines[i].substr(0, space), lines[i].substr(space + 1))) return std::nullopt;
  }
  if (facts.version.empty() || facts.platform.empty() || facts.base_executable.empty()) return std::nullopt;
  return facts;
} catch (const Error&) {
  return std::nullopt;
}

void write_cached_facts(const std::string& cache_dir, const std::string& executable,
                        const DescribedInterpreter& described) try {
  const Interpreter& facts = described.interpreter;
  std::string text =
      std::string(first_line) + "\n" + identity(executable) + "\n" + identity(described.libc_file) + "\n";
  bool plain = executable.find('\n') == std::string::npos;
  for_each_kept(facts, [&](std::string_view key, const std::string& field) {
    plain = plain && field.find_first_of("\r\n") == std::string::npos;
    text += std::string(key) + " " + field + "\n";
  });
  if (!plain) return;
  text += "os " + std::string(to_string(facts.os)) + "\nlibc " + std::string(to_string(facts.libc)) + "\n";
  text += std::string("free_threaded ") + (facts.free_threaded ? "1" : "0") + "\n";
  text += std::string("debug ") + (facts.debug ? "1" : "0") + "\nend\n";
  const std::string file = cache_file(cache_dir, executable);
  const std::string directory(parent_path(file));
  make_dirs(AT_FDCWD, directory);
  TemporaryFile::remove_abandoned(directory);
  TemporaryFile replacement = TemporaryFile::create(directory);
  replacement.write(text);
  fchmod(replacement.fd().get(), 0644);  // whatever the umask: others may share the store
  replacement.publish(file);
} catch (const Error&) {
  // Only a cache: a full disk or a read-only home must not stop the command.
}

}  // namespace axle
