#include "object/elf_file.h"

#include <algorithm>

namespace axle::object {

using namespace elf;

std::optional<std::uint64_t> ElfFile::value(std::uint64_t tag) const {
  for (const ElfDynamic& entry : dynamic) {
    if (entry.tag == tag) return entry.value;
  }
  return std::nullopt;
}

std::optional<ElfSpan> ElfFile::span(std::uint64_t vaddr) const {
  for (const ElfSegment& segment : segments) {
    if (segment.type == pt_load && vaddr >= segment.vaddr && vaddr - segment.vaddr < segment.filesz) {
      const std::uint64_t into = vaddr - segment.vaddr;
      return ElfSpan{segment.offset + into, segment.filesz - into};
    }
  }
  return std::nullopt;
}

ElfHeader read_elf_header(Source& source) {
  char head[64];
  source.copy(0, head, 16, "ELF header");
  ElfHeader header;
  if (head[4] != 1 && head[4] != 2) throw Damage{"ELF class is neither 32 nor 64 bits"};
  if (head[5] != 1 && head[5] != 2) throw Damage{"ELF byte order is neither little nor big"};
  header.is64 = head[4] == 2;
  header.big = head[5] == 2;
  source.copy(0, head, header.size(), "ELF header");
  const bool big = header.big;
  header.type = load16(head + 16, big);
  header.machine = load16(head + 18, big);
  header.phoff = header.word(head + (header.is64 ? 32 : 28));
  header.shoff = header.word(head + (header.is64 ? 40 : 32));
  const char* rest = head + (header.is64 ? 48 : 36);
  header.flags = load32(rest, big);
  const std::uint16_t phentsize = load16(rest + 6, big);
  header.phnum = load16(rest + 8, big);
  header.shnum = load16(rest + 12, big);
  header.shstrndx = load16(rest + 14, big);
  if (header.phnum != 0 && phentsize != header.phentsize()) {
    throw Damage{"program headers of an unknown size"};
  }
  return header;
}

ElfSegment parse_elf_segment(const ElfHeader& header, const char* at) {
  const bool big = header.big;
  ElfSegment segment;
  segment.type = load32(at, big);
  if (header.is64) {
    segment.flags = load32(at + 4, big);
    segment.offset = load64(at + 8, big);
    segment.vaddr = load64(at + 16, big);
    segment.paddr = load64(at + 24, big);
    segment.filesz = load64(at + 32, big);
    segment.memsz = load64(at + 40, big);
    segment.align = load64(at + 48, big);
  } else {
    segment.offset = load32(at + 4, big);
    segment.vaddr = load32(at + 8, big);
    segment.paddr = load32(at + 12, big);
    segment.filesz = load32(at + 16, big);
    segment.memsz = load32(at + 20, big);
    segment.flags = load32(at + 24, big);
    segment.align = load32(at + 28, big);
  }
  return segment;
}

void read_elf_segments(Source& source, ElfFile& file) {
  const ElfHeader& header = file.header;
  // 0xffff would say that the count is elsewhere; no loadable object has so many, and glibc reads at most
  // what e_phnum says.
  if (header.phnum == 0xffff) throw Damage{"more program headers than can be loaded"};
  const std::string table =
      source.bytes(header.phoff, std::uint64_t{header.phnum} * header.phentsize(), "program headers");
  file.segments.reserve(header.phnum);
  const ElfSegment* last = nullptr;
  for (std::size_t i = 0; i < header.phnum; ++i) {
    file.segments.push_back(parse_elf_segment(header, table.data() + i * header.phentsize()));
  }
  for (const ElfSegment& segment : file.segments) {
    if (segment.type != pt_load) continue;
    if (segment.filesz > segment.memsz) throw Damage{"a segment is larger in the file than in memory"};
    if (!source.contains(segment.offset, segment.filesz)) {
      throw Damage{"a segment lies beyond the end of the file"};
    }
    const std::uint64_t top = header.is64 ? UINT64_MAX : UINT32_MAX;
    if (segment.vaddr > top - segment.memsz) throw Damage{"a segment lies beyond the end of memory"};
    // The loader maps in table order and later mappings win; an object whose segments overlap means different
    // things to different readers.
    if (last != nullptr && segment.vaddr < last->vaddr + last->memsz) {
      throw Damage{"segments overlap or are not in order"};
    }
    last = &segment;
  }
}

void read_elf_dynamic(Source& source, ElfFile& file) {
  constexpr std::size_t max_entries = 65536;
  const auto found = std::find_if(file.segments.begin(), file.segments.end(),
                                  [](const ElfSegment& segment) { return segment.type == pt_dynamic; });
  if (found == file.segments.end()) return;
  // The loader goes by the address. Linkers keep both alike; where they differ, tools that go by the offset
  // would see another object.
  const std::optional<ElfSpan> span = file.span(found->vaddr);
  if (!span || span->offset != found->offset) throw Damage{"the dynamic section is not where it is loaded"};
  if (found->filesz > span->size) throw Damage{"the dynamic section is larger than its segment"};
  const std::size_t entry_size = file.header.dynentsize();
  file.dynamic_offset = found->offset;
  file.dynamic_slots =
      static_cast<std::size_t>(std::min<std::uint64_t>(found->filesz / entry_size, max_entries));
  const std::string table =
      source.bytes(found->offset, std::uint64_t{file.dynamic_slots} * entry_size, "dynamic section");
  for (std::size_t i = 0; i < file.dynamic_slots; ++i) {
    const char* at = table.data() + i * entry_size;
    const ElfDynamic entry{file.header.word(at), file.header.word(at + entry_size / 2)};
    if (entry.tag == dt_null) return;
    file.dynamic.push_back(entry);
  }
  throw Damage{"the dynamic section does not end"};
}

std::optional<std::uint64_t> largest_elf_page(std::uint16_t machine) {
  switch (machine) {
    case em_386:
    case em_x86_64:
    case em_s390:
    case em_riscv:
      return 4096;
    case em_arm:
    case em_aarch64:
    case em_ppc:
    case em_ppc64:
    case em_loongarch:
      return 65536;
    default:
      return std::nullopt;
  }
}

}  // namespace axle::object
