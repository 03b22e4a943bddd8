#include "object/elf_head.h"

#include <algorithm>

namespace axle::object {

using namespace elf;

namespace {

bool has_bytes(const ElfSection& section) {
  return section.type != sht_null && section.type != sht_nobits && section.size > 0;
}

std::uint64_t table_end(const ElfFile& file) {
  return file.header.phoff + std::uint64_t{file.header.phnum} * file.header.phentsize();
}

// The segment that loads the program headers; nullptr when they are not loaded.
const ElfSegment* head_segment(const ElfFile& file) {
  for (const ElfSegment& segment : file.segments) {
    if (segment.type == pt_load && segment.offset <= file.header.phoff &&
        table_end(file) - segment.offset <= segment.filesz) {
      return &segment;
    }
  }
  return nullptr;
}

// Linkers leave zeros. patchelf writes X, some versions Z, over what it moved away.
bool is_unused(Source& source, std::uint64_t begin, std::uint64_t end) {
  const std::string bytes = source.bytes(begin, end - begin, "room after the program headers");
  return bytes.find_first_not_of(std::string_view("\0XZ", 3)) == std::string::npos;
}

// True when all notes are the linker's own. Others can be known to code by their addresses (Qt's plugins have
// their metadata in one), or be looked for by programs.
bool is_linkers_note(Source& source, const ElfFile& file, std::uint64_t offset, std::uint64_t size,
                     std::uint64_t align) {
  const std::uint64_t unit = align == 8 ? 8 : 4;
  const auto padded = [](std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; };
  std::uint64_t at = 0;
  while (at < size) {
    constexpr std::size_t head_size = 16;  // the owner's name included: "GNU" or "FDO" with its NUL
    if (size - at < head_size) return false;
    const std::string head = source.bytes(offset + at, head_size, "note");
    const std::string_view owner(head.data() + 12, 4);
    const std::uint32_t name_size = load32(head.data(), file.header.big);
    if (name_size != 4 || (owner != std::string_view("GNU\0", 4) && owner != std::string_view("FDO\0", 4)))
      return false;
    at += padded(head_size + padded(load32(head.data() + 4, file.header.big), 4), unit);
  }
  return true;
}

// What may lie elsewhere as long as its address is known to the dynamic section or to its own program header.
bool is_movable(Source& source, const ElfFile& file, const ElfSection& section) {
  const auto is_at = [&](std::uint64_t tag) { return file.value(tag) == section.addr; };
  switch (section.type) {
    case sht_note:
      return is_linkers_note(source, file, section.offset, section.size, section.align);
    case sht_hash:
      return is_at(dt_hash);
    case sht_gnu_hash:
      return is_at(dt_gnu_hash);
    case sht_dynsym:
      return is_at(dt_symtab);
    case sht_strtab:
      return is_at(dt_strtab);
    case sht_gnu_versym:
      return is_at(dt_versym);
    case sht_gnu_verdef:
      return is_at(dt_verdef);
    case sht_gnu_verneed:
      return is_at(dt_verneed);
    case sht_progbits:
      return std::any_of(file.segments.begin(), file.segments.end(), [&](const ElfSegment& segment) {
        return segment.type == pt_interp && segment.offset == section.offset &&
               segment.filesz == section.size;
      });
    default:
      return false;
  }
}

bool is_movable(const ElfSegment& segment) {
  return segment.type == pt_note || segment.type == pt_gnu_property || segment.type == pt_interp;
}

// Segments that hold the head and do not move with what is in it.
bool spans_head(const ElfSegment& segment) {
  return segment.type == pt_load || segment.type == pt_phdr || segment.type == pt_null ||
         segment.filesz == 0 || segment.type == pt_gnu_relro;
}

// Sections with bytes at or behind the table, by place in the file; nullopt when one lies across its end.
std::optional<std::vector<const ElfSection*>> sections_behind(const ElfFile& file,
                                                              const std::vector<ElfSection>& sections) {
  std::vector<const ElfSection*> behind;
  for (const ElfSection& section : sections) {
    if (!has_bytes(section)) continue;
    if (section.offset >= table_end(file)) {
      behind.push_back(&section);
    } else if (section.offset + section.size > file.header.phoff) {
      return std::nullopt;
    }
  }
  std::sort(behind.begin(), behind.end(),
            [](const ElfSection* a, const ElfSection* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < behind.size(); ++i) {
    if (behind[i]->offset < behind[i - 1]->offset + behind[i - 1]->size) return std::nullopt;
  }
  return behind;
}

std::optional<ElfSlot> find_room(Source& source, const ElfFile& file,
                                 const std::vector<const ElfSection*>& behind, const ElfSegment& head) {
  std::uint64_t obstacle = std::min(head.offset + head.filesz, source.size());
  if (!behind.empty()) obstacle = std::min(obstacle, behind.front()->offset);
  if (file.header.shoff >= table_end(file)) obstacle = std::min(obstacle, file.header.shoff);
  for (const ElfSegment& segment : file.segments) {
    if (!spans_head(segment) && segment.offset >= table_end(file))
      obstacle = std::min(obstacle, segment.offset);
  }
  const std::uint64_t wanted = table_end(file) + file.header.phentsize();
  if (obstacle < wanted || !is_unused(source, table_end(file), wanted)) return std::nullopt;
  ElfSlot slot;
  slot.kind = ElfSlot::Kind::room_after_headers;
  return slot;
}

std::optional<ElfSlot> find_block(Source& source, const ElfFile& file,
                                  const std::vector<const ElfSection*>& behind, const ElfSegment& head) {
  // Room for five: one for us, the others so that a later patchelf (before 0.19, which takes sections to be
  // sorted) need not move the head again.
  constexpr std::uint64_t wanted_slots = 5;
  const std::uint64_t wanted = table_end(file) + wanted_slots * file.header.phentsize();
  const std::uint64_t least = table_end(file) + file.header.phentsize();
  const std::uint64_t limit = head.offset + head.filesz;
  std::size_t count = 0;
  std::uint64_t align = 16;
  const auto freed_end = [&] {
    return count < behind.size() ? std::min(behind[count]->offset, limit) : limit;
  };
  const auto take = [&] {
    const ElfSection& section = *behind[count];
    if ((section.flags & shf_alloc) == 0 || section.addr - section.offset != head.vaddr - head.offset)
      return false;
    if (section.offset + section.size > limit || !is_movable(source, file, section)) return false;
    align = std::max(align, section.align);
    ++count;
    return true;
  };
  while (freed_end() < wanted && count < behind.size() && take()) {
  }
  if (count == 0 || freed_end() < least) return std::nullopt;
  // A segment that is half in the block takes its other half along.
  for (bool again = true; again;) {
    again = false;
    const std::uint64_t block_end = behind[count - 1]->offset + behind[count - 1]->size;
    for (const ElfSegment& segment : file.segments) {
      if (spans_head(segment) || segment.offset + segment.filesz <= file.header.phoff) continue;
      if (segment.offset >= freed_end()) continue;
      if (!is_movable(segment) || segment.offset < behind.front()->offset) return std::nullopt;
      if (segment.offset + segment.filesz <= block_end) continue;
      if (count == behind.size() || !take()) return std::nullopt;
      again = true;
      break;
    }
  }
  if (file.header.shoff >= table_end(file) && file.header.shoff < freed_end()) return std::nullopt;
  ElfSlot slot;
  slot.kind = ElfSlot::Kind::head_moved;
  slot.block_begin = behind.front()->offset;
  slot.freed_end = freed_end();
  // The string table gets its new place apart from the block, with the new string: its old bytes stay behind.
  if (count > 1 && behind[count - 1]->type == sht_strtab) --count;
  slot.block_end = behind[count - 1]->offset + behind[count - 1]->size;
  slot.align = align;
  constexpr std::uint64_t max_align = 4096;
  if (align > max_align || (align & (align - 1)) != 0) return std::nullopt;
  return slot;
}

// A segment that an earlier edit, by patchelf for one, made for the string table alone. Without the table it
// would be empty, and strip gives empty segments offsets that no loader takes.
std::optional<ElfSlot> find_string_segment(const ElfFile& file, const std::vector<ElfSection>& sections,
                                           const ElfStrings& strings) {
  const auto holds = [](const ElfSegment& segment, std::uint64_t address) {
    return address >= segment.vaddr && address - segment.vaddr < segment.memsz;
  };
  const auto found = std::find_if(file.segments.begin(), file.segments.end(), [&](const ElfSegment& segment) {
    return segment.type == pt_load && holds(segment, strings.address);
  });
  if (found == file.segments.end() || sections.empty()) return std::nullopt;
  if (found->offset < table_end(file)) return std::nullopt;
  for (const ElfSection& section : sections) {
    if ((section.flags & shf_alloc) == 0 || section.size == 0 || !holds(*found, section.addr)) continue;
    if (section.type != sht_strtab || section.addr != strings.address) return std::nullopt;
  }
  for (const ElfSegment& segment : file.segments) {
    if (&segment != &*found && segment.memsz > 0 && holds(*found, segment.vaddr)) return std::nullopt;
  }
  ElfSlot slot;
  slot.kind = ElfSlot::Kind::string_segment;
  slot.victim = static_cast<std::size_t>(found - file.segments.begin());
  return slot;
}

}  // namespace

std::string_view to_string(ElfSlot::Kind kind) noexcept {
  switch (kind) {
    case ElfSlot::Kind::string_segment:
      return "string segment replaced";
    case ElfSlot::Kind::spare_header:
      return "spare program header";
    case ElfSlot::Kind::redundant_note:
      return "redundant note";
    case ElfSlot::Kind::room_after_headers:
      return "room after headers";
    case ElfSlot::Kind::head_moved:
      return "head moved";
    case ElfSlot::Kind::note_given_up:
      return "note given up";
  }
  return "";
}

std::optional<ElfSlot> find_elf_slot(Source& source, const ElfFile& file,
                                     const std::vector<ElfSection>& sections, const ElfStrings& strings) {
  const std::vector<ElfSegment>& segments = file.segments;
  ElfSlot slot;
  if (auto own = find_string_segment(file, sections, strings)) return own;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].type != pt_null) continue;
    slot.victim = i;
    return slot;
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].type != pt_note) continue;
    const bool doubled = std::any_of(segments.begin(), segments.end(), [&](const ElfSegment& other) {
      return other.type == pt_gnu_property && other.offset == segments[i].offset &&
             other.filesz == segments[i].filesz;
    });
    if (!doubled) continue;
    slot.kind = ElfSlot::Kind::redundant_note;
    slot.victim = i;
    return slot;
  }
  const ElfSegment* head = head_segment(file);
  if (head != nullptr && !sections.empty()) {
    if (const auto behind = sections_behind(file, sections)) {
      if (auto room = find_room(source, file, *behind, *head)) return room;
      if (auto block = find_block(source, file, *behind, *head)) return block;
    }
  }
  for (std::size_t i = segments.size(); i-- > 0;) {
    const ElfSegment& note = segments[i];
    if (note.type != pt_note || !source.contains(note.offset, note.filesz)) continue;
    if (!is_linkers_note(source, file, note.offset, note.filesz, note.align)) continue;
    slot.kind = ElfSlot::Kind::note_given_up;
    slot.victim = i;
    return slot;
  }
  return std::nullopt;
}

}  // namespace axle::object
