#pragma once
// The dynamic string table and who points into it. Linkers let one string be the tail of another, so that a
// string may be overwritten only when nothing else begins in it.

#include "object/elf_file.h"
#include "object/elf_sections.h"

namespace axle::object {

struct ElfStrings {
  std::uint64_t address = 0;
  std::uint64_t offset = 0;  // in the file
  std::uint64_t size = 0;    // DT_STRSZ
};

// Throws Damage when it is absent or not wholly in the file.
ElfStrings find_elf_strings(const Source& source, const ElfFile& file);

// True when a symbol, a version or a dynamic entry other than number `except` points to [begin, end) of the
// string table, or when that cannot be told.
bool is_string_shared(Source& source, const ElfFile& file, std::uint64_t begin, std::uint64_t end,
                      std::size_t except);

// The size of the largest dynamic symbol; 0 when it cannot be told.
std::uint64_t largest_symbol(Source& source, const ElfFile& file);

}  // namespace axle::object
