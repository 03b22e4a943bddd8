#pragma once
// The parts of an ELF file that say how it is loaded, of either class and byte order, as one shape.
// spec: System V ABI, chapters 4 (object files) and 5 (program loading and dynamic linking).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "object/source.h"

namespace axle::object {

namespace elf {
constexpr std::uint16_t type_relocatable = 1, type_executable = 2, type_shared = 3;
constexpr std::uint32_t pt_null = 0, pt_load = 1, pt_dynamic = 2, pt_interp = 3, pt_note = 4, pt_phdr = 6;
constexpr std::uint32_t pt_gnu_property = 0x6474e553, pt_gnu_relro = 0x6474e552;
constexpr std::uint32_t flag_x = 1, flag_w = 2, flag_r = 4;
constexpr std::uint64_t dt_null = 0, dt_needed = 1, dt_hash = 4, dt_strtab = 5, dt_symtab = 6, dt_strsz = 10,
                        dt_syment = 11, dt_soname = 14, dt_rpath = 15, dt_debug = 21, dt_runpath = 29,
                        dt_gnu_hash = 0x6ffffef5, dt_versym = 0x6ffffff0, dt_flags_1 = 0x6ffffffb,
                        dt_verdef = 0x6ffffffc, dt_verdefnum = 0x6ffffffd, dt_verneed = 0x6ffffffe,
                        dt_verneednum = 0x6fffffff, dt_auxiliary = 0x7ffffffd, dt_filter = 0x7fffffff;
constexpr std::uint64_t df_1_nodeflib = 0x800, df_1_pie = 0x08000000;
constexpr std::uint16_t em_386 = 3, em_mips = 8, em_ppc = 20, em_ppc64 = 21, em_s390 = 22, em_arm = 40,
                        em_sparcv9 = 43, em_x86_64 = 62, em_aarch64 = 183, em_riscv = 243, em_loongarch = 258;
}  // namespace elf

struct ElfHeader {
  bool is64 = false;
  bool big = false;
  std::uint16_t type = 0;
  std::uint16_t machine = 0;
  std::uint32_t flags = 0;
  std::uint64_t phoff = 0;
  std::uint64_t shoff = 0;
  std::uint16_t phnum = 0;
  std::uint16_t shnum = 0;
  std::uint16_t shstrndx = 0;

  std::size_t size() const noexcept { return is64 ? 64 : 52; }
  std::size_t phentsize() const noexcept { return is64 ? 56 : 32; }
  std::size_t shentsize() const noexcept { return is64 ? 64 : 40; }
  std::size_t dynentsize() const noexcept { return is64 ? 16 : 8; }
  std::uint64_t word(const char* at) const noexcept { return is64 ? load64(at, big) : load32(at, big); }
};

struct ElfSegment {
  std::uint32_t type = 0;
  std::uint32_t flags = 0;
  std::uint64_t offset = 0;
  std::uint64_t vaddr = 0;
  std::uint64_t paddr = 0;
  std::uint64_t filesz = 0;
  std::uint64_t memsz = 0;
  std::uint64_t align = 0;
};

struct ElfDynamic {
  std::uint64_t tag = 0;
  std::uint64_t value = 0;

  friend bool operator==(const ElfDynamic&, const ElfDynamic&) = default;
};

// What lies at a virtual address: the place in the file and how many bytes of the same segment follow.
struct ElfSpan {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct ElfFile {
  ElfHeader header;
  std::vector<ElfSegment> segments;  // the whole table, in its order
  std::uint64_t dynamic_offset = 0;  // in the file; 0 when there is no PT_DYNAMIC
  std::size_t dynamic_slots = 0;     // entries that fit into PT_DYNAMIC
  std::vector<ElfDynamic> dynamic;   // up to DT_NULL, which is not among them

  std::optional<std::uint64_t> value(std::uint64_t tag) const;  // of the first entry with that tag
  // nullopt when no PT_LOAD has the address in its part of the file.
  std::optional<ElfSpan> span(std::uint64_t vaddr) const;
};

// Each throws Damage.
ElfHeader read_elf_header(Source& source);
void read_elf_segments(Source& source, ElfFile& file);
void read_elf_dynamic(Source& source, ElfFile& file);
ElfSegment parse_elf_segment(const ElfHeader& header, const char* at);

// The largest page that kernels of the machine use; nullopt where that is not known here.
std::optional<std::uint64_t> largest_elf_page(std::uint16_t machine);

// Fills `facts` as far as the file is sound, then throws Damage where it is not.
void read_elf(Source& source, ObjectFacts& facts);

}  // namespace axle::object
