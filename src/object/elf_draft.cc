#include "object/elf_draft.h"

#include <algorithm>

#include "axle/base/error.h"
#include "object/elf_encode.h"

namespace axle::object {

using namespace elf;

void refuse_edit(std::string reason) { throw Error(ErrorCode::unsupported, std::move(reason)); }

ElfDraft::ElfDraft(Source& source) : source_(source) {
  file.header = read_elf_header(source);
  if (file.header.type != type_shared && file.header.type != type_executable)
    refuse_edit("it is not a linked object");
  read_elf_segments(source, file);
  read_elf_dynamic(source, file);
  if (file.dynamic_offset == 0) refuse_edit("it is linked statically and has no dynamic section");
  strings = find_elf_strings(source, file);
  sections = read_elf_sections(source, file.header);
  dynamic = file.dynamic;
  segments = file.segments;
  plan_.size = source.size();
}

void ElfDraft::put(std::uint64_t offset, std::string bytes) {
  plan_.size = std::max(plan_.size, offset + bytes.size());
  plan_.patches.push_back({offset, std::move(bytes)});
}

std::optional<std::size_t> ElfDraft::find_entry(std::uint64_t tag) const {
  for (std::size_t i = 0; i < dynamic.size(); ++i) {
    if (dynamic[i].tag == tag) return i;
  }
  return std::nullopt;
}

void ElfDraft::set_value(std::uint64_t tag, std::uint64_t value) {
  if (const auto index = find_entry(tag)) dynamic[*index].value = value;
}

void ElfDraft::remove_entry(std::uint64_t tag) {
  std::erase_if(dynamic, [&](const ElfDynamic& entry) { return entry.tag == tag; });
}

// One slot must stay DT_NULL.
void ElfDraft::make_room_for_entry() {
  if (dynamic.size() + 2 <= file.dynamic_slots) return;
  constexpr std::uint64_t dt_symbolic = 16, dt_bind_now = 24, dt_flags = 30, dt_relacount = 0x6ffffff9,
                          dt_relcount = 0x6ffffffa;
  constexpr std::uint64_t df_symbolic = 2, df_bind_now = 8, df_1_now = 1;
  const std::uint64_t flags = file.value(dt_flags).value_or(0);
  const std::uint64_t flags_1 = file.value(dt_flags_1).value_or(0);
  const bool now = (flags & df_bind_now) != 0 || (flags_1 & df_1_now) != 0;
  const bool is_program = std::any_of(segments.begin(), segments.end(),
                                      [](const ElfSegment& segment) { return segment.type == pt_interp; });
  // Entries that say nothing, or nothing that another does not say. The counts of relative relocations only
  // let the loader take a shorter loop; without them it looks at each relocation's type.
  std::uint64_t dead = dt_null;
  if (!is_program && find_entry(dt_debug)) {
    dead = dt_debug;
  } else if (find_entry(dt_bind_now) && now) {
    dead = dt_bind_now;
  } else if (find_entry(dt_symbolic) && (flags & df_symbolic) != 0) {
    dead = dt_symbolic;
  } else if (find_entry(dt_flags) && (flags == 0 || (flags == df_bind_now && (flags_1 & df_1_now) != 0))) {
    dead = dt_flags;
  } else if (find_entry(dt_relacount)) {
    dead = dt_relacount;
  } else if (find_entry(dt_relcount)) {
    dead = dt_relcount;
  } else {
    refuse_edit("its dynamic section has no room for one more entry");
  }
  remove_entry(dead);
}

void ElfDraft::write_entry(std::uint64_t tag, std::uint64_t value) {
  if (find_entry(tag)) {
    set_value(tag, value);
    return;
  }
  make_room_for_entry();
  dynamic.push_back({tag, value});
}

std::size_t ElfDraft::find_string_section() const {
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].type == sht_strtab && sections[i].addr == strings.address &&
        sections[i].offset == strings.offset) {
      return i;
    }
  }
  return SIZE_MAX;
}

// Tells everything that points into the block its new place, and clears the old one. `address` is that of the
// block.
void ElfDraft::move_block(const ElfSlot& slot, std::uint64_t delta_offset, std::uint64_t address) {
  const auto moves = [&](std::uint64_t offset) {
    return offset >= slot.block_begin && offset < slot.block_end;
  };
  std::uint64_t delta_address = 0;
  for (const ElfSegment& segment : file.segments) {
    if (segment.type == pt_load && slot.block_begin >= segment.offset &&
        slot.block_begin - segment.offset < segment.filesz) {
      delta_address = address - (segment.vaddr + (slot.block_begin - segment.offset));
      break;
    }
  }
  for (ElfSegment& segment : segments) {
    const bool own = segment.type == pt_note || segment.type == pt_gnu_property || segment.type == pt_interp;
    if (!own || !moves(segment.offset)) continue;
    segment.offset += delta_offset;
    segment.vaddr += delta_address;
    segment.paddr += delta_address;
  }
  for (const std::uint64_t tag : {dt_hash, dt_gnu_hash, dt_symtab, dt_versym, dt_verdef, dt_verneed}) {
    const auto value = file.value(tag);
    const auto span = value ? file.span(*value) : std::nullopt;
    if (span && moves(span->offset)) set_value(tag, *value + delta_address);
  }
  for (std::size_t i = 0; i < sections.size(); ++i) {
    ElfSection section = sections[i];
    if ((section.flags & shf_alloc) == 0 || section.type == sht_nobits || !moves(section.offset)) continue;
    if (i == find_string_section()) continue;
    section.offset += delta_offset;
    section.addr += delta_address;
    put_section(i, section);
  }
  const std::uint64_t table_end =
      file.header.phoff + std::uint64_t{file.header.phnum} * file.header.phentsize();
  put(table_end, std::string(static_cast<std::size_t>(slot.freed_end - table_end), '\0'));
}

void ElfDraft::put_section(std::size_t index, const ElfSection& now) {
  const ElfHeader& header = file.header;
  // sh_addr, sh_offset and sh_size stand together in both classes, behind sh_flags.
  put(header.shoff + index * header.shentsize() + (header.is64 ? 16 : 12),
      encode_elf_words(header, {now.addr, now.offset, now.size}));
  if (now.addr != sections[index].addr) moved_.emplace_back(index, now.addr);
}

// Older linkers leave a symbol for each section, right at the beginning of the static symbol table.
void ElfDraft::put_section_symbols() {
  constexpr std::uint8_t type_section = 3;
  const ElfHeader& header = file.header;
  const auto table = std::find_if(sections.begin(), sections.end(),
                                  [](const ElfSection& section) { return section.type == sht_symtab; });
  if (moved_.empty() || table == sections.end()) return;
  const std::uint64_t entry_size = header.is64 ? 24 : 16;
  const std::uint64_t count = std::min<std::uint64_t>(table->size / entry_size, sections.size() + 1);
  const std::string symbols = source_.bytes(table->offset, count * entry_size, "symbols");
  for (std::uint64_t i = 0; i < count; ++i) {
    const char* at = symbols.data() + i * entry_size;
    const auto info = static_cast<std::uint8_t>(at[header.is64 ? 4 : 12]);
    const std::uint16_t section = load16(at + (header.is64 ? 6 : 14), header.big);
    const auto found =
        std::find_if(moved_.begin(), moved_.end(), [&](const auto& each) { return each.first == section; });
    if ((info & 0xf) != type_section || found == moved_.end()) continue;
    put(table->offset + i * entry_size + (header.is64 ? 8 : 4), encode_elf_words(header, {found->second}));
  }
}

void ElfDraft::put_segments(std::size_t old_count) {
  const ElfHeader& header = file.header;
  put(header.phoff, encode_elf_segments(header, segments));
  if (segments.size() == old_count) return;
  std::string count(2, '\0');
  store16(count.data(), static_cast<std::uint16_t>(segments.size()), header.big);
  put(header.is64 ? 56 : 44, std::move(count));
}

void ElfDraft::put_dynamic() {
  const ElfHeader& header = file.header;
  const std::size_t slots = std::max(file.dynamic.size(), dynamic.size()) + 1;
  const std::string before = encode_elf_dynamic(header, file.dynamic, slots);
  const std::string now = encode_elf_dynamic(header, dynamic, slots);
  const auto first = std::mismatch(before.begin(), before.end(), now.begin()).first - before.begin();
  if (first == static_cast<std::ptrdiff_t>(now.size())) return;
  const std::uint64_t skip = static_cast<std::uint64_t>(first) / header.dynentsize() * header.dynentsize();
  put(file.dynamic_offset + skip, now.substr(static_cast<std::size_t>(skip)));
}

EditPlan ElfDraft::finish(std::string method) {
  put_dynamic();
  put_section_symbols();
  if (!file.header.is64 && plan_.size > UINT32_MAX) refuse_edit("it would get larger than its class can say");
  plan_.method = std::move(method);
  return std::move(plan_);
}

}  // namespace axle::object
