#include "object/elf_sections.h"

namespace axle::object {

std::vector<ElfSection> read_elf_sections(Source& source, const ElfHeader& header) {
  std::vector<ElfSection> sections;
  if (header.shoff == 0) return sections;
  // A count of 0 says that it is in the first section: more than 65,279 sections, which no linked object has.
  if (header.shnum == 0) throw Damage{"section headers without a count"};
  const std::string table =
      source.bytes(header.shoff, std::uint64_t{header.shnum} * header.shentsize(), "section headers");
  sections.reserve(header.shnum);
  for (std::size_t i = 0; i < header.shnum; ++i) {
    const char* at = table.data() + i * header.shentsize();
    ElfSection section;
    section.type = load32(at + 4, header.big);
    const std::size_t word = header.is64 ? 8 : 4;
    section.flags = header.word(at + 8);
    section.addr = header.word(at + 8 + word);
    section.offset = header.word(at + 8 + 2 * word);
    section.size = header.word(at + 8 + 3 * word);
    section.align = header.word(at + 16 + 4 * word);
    const bool has_bytes =
        section.type != elf::sht_null && section.type != elf::sht_nobits && section.size > 0;
    if (has_bytes && !source.contains(section.offset, section.size)) {
      throw Damage{"a section lies beyond the end of the file"};
    }
    sections.push_back(section);
  }
  return sections;
}

}  // namespace axle::object
