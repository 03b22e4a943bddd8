#pragma once
// The tables of an ELF file as bytes of its class and byte order.

#include <initializer_list>
#include <string>
#include <vector>

#include "object/elf_file.h"

namespace axle::object {

std::string encode_elf_segments(const ElfHeader& header, const std::vector<ElfSegment>& segments);
// `slots` entries, those behind `entries` DT_NULL.
std::string encode_elf_dynamic(const ElfHeader& header, const std::vector<ElfDynamic>& entries,
                               std::size_t slots);
// Words of the class's size, one after the other.
std::string encode_elf_words(const ElfHeader& header, std::initializer_list<std::uint64_t> words);

}  // namespace axle::object
