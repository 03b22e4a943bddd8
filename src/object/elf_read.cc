// ELF as the loader sees it: header, program headers, the dynamic section and the strings it points to.
// Sections are never looked at: a loadable object need not have any.

#include <algorithm>

#include "object/elf_file.h"
#include "object/elf_strings.h"

namespace axle::object {

using namespace elf;

namespace {

std::string machine_name(const ElfHeader& header) {
  constexpr std::uint32_t arm_float_hard = 0x400;
  switch (header.machine) {
    case em_386:
      return "i686";
    case em_x86_64:
      return "x86_64";
    case em_aarch64:
      return header.big ? "aarch64_be" : "aarch64";
    case em_arm:
      // The tag linux_armv7l means the hard-float ABI; the other one cannot be mixed with it.
      return (header.flags & arm_float_hard) != 0 ? "armv7l" : "armv5tel";
    case em_ppc64:
      return header.big ? "ppc64" : "ppc64le";
    case em_ppc:
      return "ppc";
    case em_s390:
      return header.is64 ? "s390x" : "s390";
    case em_riscv:
      return header.is64 ? "riscv64" : "riscv32";
    case em_loongarch:
      return header.is64 ? "loongarch64" : "loongarch32";
    case em_mips:
      return std::string(header.is64 ? "mips64" : "mips") + (header.big ? "" : "el");
    case em_sparcv9:
      return "sparc64";
    default:
      return "machine-" + std::to_string(header.machine);
  }
}

std::string string_at(Source& source, const ElfStrings& strings, std::uint64_t index, std::string_view what) {
  if (index >= strings.size) throw Damage{std::string(what) + " outside of its string table"};
  return source.c_string(strings.offset + index, strings.offset + strings.size, what);
}

// spec: Linux Standard Base, "Symbol Versioning": Elfxx_Verneed and Elfxx_Vernaux are the same for both
// classes.
void read_version_needs(Source& source, const ElfFile& file, const ElfStrings& strings, ObjectFacts& facts) {
  constexpr std::uint64_t max_versions = 16384;
  const auto address = file.value(dt_verneed);
  if (!address) return;
  const auto span = file.span(*address);
  if (!span) throw Damage{"the version needs are not in the file"};
  const bool big = file.header.big;
  const std::uint64_t end = span->offset + span->size;
  const auto entry = [&](std::uint64_t offset, char(&into)[16]) {
    if (offset > end || end - offset < sizeof into) throw Damage{"version needs outside of their segment"};
    source.copy(offset, into, sizeof into, "version needs");
  };
  std::uint64_t read = 0;
  std::uint64_t at = span->offset;
  for (std::uint64_t left = file.value(dt_verneednum).value_or(0); left > 0; --left) {
    char need[16];
    entry(at, need);
    const std::string library = string_at(source, strings, load32(need + 4, big), "a version's library");
    std::uint64_t aux = at + load32(need + 8, big);
    for (std::uint16_t versions = load16(need + 2, big); versions > 0; --versions) {
      if (++read > max_versions) throw Damage{"more version needs than an object can have"};
      char version[16];
      entry(aux, version);
      facts.version_needs.push_back(library + ':' +
                                    string_at(source, strings, load32(version + 8, big), "a version's name"));
      const std::uint32_t next = load32(version + 12, big);
      if (next == 0) break;
      aux += next;
    }
    const std::uint32_t next = load32(need + 12, big);
    if (next == 0) break;
    at += next;
  }
}

void read_dynamic_names(Source& source, const ElfFile& file, ObjectFacts& facts) {
  const bool any = std::any_of(file.dynamic.begin(), file.dynamic.end(), [](const ElfDynamic& entry) {
    return entry.tag == dt_needed || entry.tag == dt_soname || entry.tag == dt_rpath ||
           entry.tag == dt_runpath || entry.tag == dt_auxiliary || entry.tag == dt_filter;
  });
  // A static PIE has a dynamic section for its relocations alone.
  if (!any && !file.value(dt_strtab)) return;
  const ElfStrings strings = find_elf_strings(source, file);
  for (const ElfDynamic& entry : file.dynamic) {
    switch (entry.tag) {
      case dt_needed:
      case dt_filter:
        facts.needed.push_back(string_at(source, strings, entry.value, "the name of a needed library"));
        break;
      case dt_auxiliary:
        facts.weak_needed.push_back(
            string_at(source, strings, entry.value, "the name of an auxiliary library"));
        break;
      case dt_soname:
        facts.soname = string_at(source, strings, entry.value, "the soname");
        break;
      case dt_rpath:
        facts.rpath = string_at(source, strings, entry.value, "the rpath");
        break;
      case dt_runpath:
        facts.runpath = string_at(source, strings, entry.value, "the runpath");
        break;
      default:
        break;
    }
  }
  read_version_needs(source, file, strings, facts);
}

}  // namespace

void read_elf(Source& source, ObjectFacts& facts) {
  facts.format = ObjectFacts::Format::elf;
  ElfFile file;
  file.header = read_elf_header(source);
  const ElfHeader& header = file.header;
  facts.machine = machine_name(header);
  facts.bits = header.is64 ? 64 : 32;
  facts.big_endian = header.big;
  if (header.type != type_executable && header.type != type_shared) return;
  facts.kind = header.type == type_shared ? ObjectFacts::Kind::shared_library : ObjectFacts::Kind::executable;
  read_elf_segments(source, file);
  for (const ElfSegment& segment : file.segments) {
    if (segment.type != pt_interp) continue;
    if (!source.contains(segment.offset, segment.filesz))
      throw Damage{"interpreter beyond the end of the file"};
    facts.interpreter = source.c_string(segment.offset, segment.offset + segment.filesz, "the interpreter");
    break;
  }
  read_elf_dynamic(source, file);
  facts.no_default_libs = (file.value(dt_flags_1).value_or(0) & df_1_nodeflib) != 0;
  const bool pie = (file.value(dt_flags_1).value_or(0) & df_1_pie) != 0;
  if (header.type == type_shared) {
    if (file.dynamic_offset == 0) throw Damage{"a shared library without a dynamic section"};
    // libc.so.6 has an interpreter too, so that it can be started; a program has no soname.
    if (pie || (!facts.interpreter.empty() && !file.value(dt_soname)))
      facts.kind = ObjectFacts::Kind::executable;
  }
  if (facts.kind == ObjectFacts::Kind::executable && facts.interpreter.empty()) {
    facts.kind = ObjectFacts::Kind::static_executable;
  }
  read_dynamic_names(source, file, facts);
}

}  // namespace axle::object
