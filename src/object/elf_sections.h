#pragma once
// Section headers. No loader looks at them, strip, gdb and linters do: an edit keeps them true.

#include <vector>

#include "object/elf_file.h"

namespace axle::object {

struct ElfSection {
  std::uint32_t type = 0;
  std::uint64_t flags = 0;
  std::uint64_t addr = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t align = 0;
};

namespace elf {
constexpr std::uint32_t sht_null = 0, sht_progbits = 1, sht_symtab = 2, sht_strtab = 3, sht_hash = 5,
                        sht_note = 7, sht_nobits = 8, sht_dynsym = 11, sht_gnu_hash = 0x6ffffff6,
                        sht_gnu_verdef = 0x6ffffffd, sht_gnu_verneed = 0x6ffffffe,
                        sht_gnu_versym = 0x6fffffff;
constexpr std::uint64_t shf_alloc = 2;
}  // namespace elf

// All of them, by index; empty when the object has none. Throws Damage when the table is not in the file or a
// section that has bytes there is not.
std::vector<ElfSection> read_elf_sections(Source& source, const ElfHeader& header);

}  // namespace axle::object
