#include "object/elf_encode.h"

namespace axle::object {

std::string encode_elf_words(const ElfHeader& header, std::initializer_list<std::uint64_t> words) {
  const std::size_t size = header.is64 ? 8 : 4;
  std::string bytes(words.size() * size, '\0');
  char* at = bytes.data();
  for (const std::uint64_t word : words) {
    if (header.is64) {
      store64(at, word, header.big);
    } else {
      store32(at, static_cast<std::uint32_t>(word), header.big);
    }
    at += size;
  }
  return bytes;
}

std::string encode_elf_segments(const ElfHeader& header, const std::vector<ElfSegment>& segments) {
  std::string table;
  for (const ElfSegment& segment : segments) {
    char half[8];
    store32(half, segment.type, header.big);
    store32(half + 4, segment.flags, header.big);
    table.append(half, 4);
    if (header.is64) table.append(half + 4, 4);
    table += encode_elf_words(header,
                              {segment.offset, segment.vaddr, segment.paddr, segment.filesz, segment.memsz});
    if (!header.is64) table.append(half + 4, 4);
    table += encode_elf_words(header, {segment.align});
  }
  return table;
}

std::string encode_elf_dynamic(const ElfHeader& header, const std::vector<ElfDynamic>& entries,
                               std::size_t slots) {
  std::string table;
  for (const ElfDynamic& entry : entries) table += encode_elf_words(header, {entry.tag, entry.value});
  table.resize(slots * header.dynentsize(), '\0');
  return table;
}

}  // namespace axle::object
