#include "axle/object/object_facts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "object/elf_file.h"
#include "object/macho_read.h"
#include "object/pe_read.h"
#include "object/source.h"

namespace axle {

namespace {

constexpr std::string_view elf_magic =
    "\x7f"
    "ELF";

// False: not an object after all.
bool read_any(object::Source& source, std::string_view first, ObjectFacts& facts) {
  if (first.starts_with(elf_magic)) {
    object::read_elf(source, facts);
    return true;
  }
  if (first.starts_with("MZ")) return object::read_pe(source, facts);
  object::read_macho(source, facts);
  return true;
}

}  // namespace

bool looks_like_object(std::string_view first_bytes) noexcept {
  return first_bytes.starts_with(elf_magic) || first_bytes.starts_with("MZ") || object::is_macho(first_bytes);
}

std::optional<ObjectFacts> read_object(const ReadAt& read, std::uint64_t size) {
  object::Source source(read, size);
  ObjectFacts facts;
  try {
    const std::string first = source.bytes(0, std::min<std::uint64_t>(size, 8), "the file");
    if (!looks_like_object(first)) return std::nullopt;
    if (!read_any(source, first, facts)) return std::nullopt;
  } catch (const object::Damage& damage) {
    facts.error = damage.what;
  }
  std::sort(facts.version_needs.begin(), facts.version_needs.end());
  facts.version_needs.erase(std::unique(facts.version_needs.begin(), facts.version_needs.end()),
                            facts.version_needs.end());
  return facts;
}

std::optional<ObjectFacts> read_object(std::string_view content) {
  const ReadAt read = [content](std::uint64_t offset, char* into, std::size_t size) {
    if (offset > content.size() || size > content.size() - offset) return false;
    std::memcpy(into, content.data() + offset, size);
    return true;
  };
  return read_object(read, content.size());
}

std::optional<ObjectFacts> read_object_file(int fd, std::string_view name) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw_errno("reading", name);
  const ReadAt read = [fd, name](std::uint64_t offset, char* into, std::size_t size) {
    while (size > 0) {
      const ssize_t count = pread(fd, into, size, static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw_errno("reading", name);
      if (count == 0) return false;
      into += count;
      offset += static_cast<std::uint64_t>(count);
      size -= static_cast<std::size_t>(count);
    }
    return true;
  };
  return read_object(read, static_cast<std::uint64_t>(status.st_size));
}

std::string_view to_string(ObjectFacts::Format format) noexcept {
  switch (format) {
    case ObjectFacts::Format::elf:
      return "elf";
    case ObjectFacts::Format::macho:
      return "macho";
    case ObjectFacts::Format::pe:
      return "pe";
  }
  return "";
}

std::string_view to_string(ObjectFacts::Kind kind) noexcept {
  switch (kind) {
    case ObjectFacts::Kind::shared_library:
      return "shared-library";
    case ObjectFacts::Kind::executable:
      return "executable";
    case ObjectFacts::Kind::static_executable:
      return "static-executable";
    case ObjectFacts::Kind::other:
      return "other";
  }
  return "";
}

}  // namespace axle
