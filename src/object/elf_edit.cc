// Changing the RPATH or RUNPATH of an ELF object.
//
// The problem. The path is a string in the dynamic string table (.dynstr), which linkers pack tightly between
// other tables that code and relocations know by address. A longer string does not fit, and nothing may be
// shifted. A new place in memory needs one more loadable segment, that is one more entry in the program
// header table, which is packed just as tightly at the head of the file. Tools that moved that table to the
// end of the file broke strip and debuggers for ten years; tools that put the string outside of the table's
// stated size broke readelf and patchelf.
//
// What is done, in order of least change; the first that is possible is taken:
//   1. old string   the new one fits over the old one, and nothing else begins in it (linkers share tails).
//   2. tail         the new one already ends some string of the table: the entry points there.
//   3. grown        the table is followed by room of its own segment or of the file (that is so after step
//   4).
//   4. new segment  a copy of the table with the new string goes to the end of the file, with a read-only
//   PT_LOAD of
//                   its own; DT_STRTAB, DT_STRSZ and the section header follow. The program header for it
//                   comes from (elf_head.h)
//                     own       the segment of the old table, where that holds nothing else (patchelf leaves
//                     such), spare     PT_NULL, which some linkers reserve, redundant a PT_NOTE that says the
//                     same as PT_GNU_PROPERTY; readers of either lose nothing, room      unused bytes behind
//                     the table, head      the small tables behind the program headers (notes, hash, if
//                     needed symbols) move into
//                               the new segment as one piece, all who point to them are told, and the program
//                               headers grow in place,
//                     note      the build-id's PT_NOTE: only tools that look for notes by segment lose it.
// The program header table itself never moves. An entry of the dynamic section that is missing is put over
// the first of the spare DT_NULLs; where a linker left none (lld), over an entry that says nothing to a
// loader.
//
// Why it is right. Every byte that code can know by address keeps address and content, except what is found
// through the dynamic section or a program header, and those are told. The new segment is last in the table
// and highest in memory, at an address that is its offset modulo the largest page of the machine, so that any
// kernel maps it. The result is read again through the patches before it is given out: all facts but the path
// must be the same.

#include "object/elf_edit.h"

#include <algorithm>

#include "axle/base/error.h"
#include "object/elf_encode.h"
#include "object/elf_file.h"
#include "object/elf_head.h"
#include "object/elf_sections.h"
#include "object/elf_strings.h"

namespace axle::object {

using namespace elf;

namespace {

// A table that is larger is not copied in memory.
constexpr std::uint64_t max_copied = 256U << 20;

[[noreturn]] void refuse(std::string reason) { throw Error(ErrorCode::unsupported, std::move(reason)); }

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

class Editor {
 public:
  Editor(Source& source, const RpathEdit& edit);
  EditPlan run();

 private:
  void choose_tag();
  void write_entry(std::uint64_t string);
  void remove_entry(std::uint64_t tag);
  void make_room_for_entry();
  bool overwrite_old();
  bool point_to_tail();
  std::uint64_t used_end() const;
  bool grow_table();
  void add_segment();
  void move_block(const ElfSlot& slot, std::uint64_t delta_offset, std::uint64_t delta_address);

  void put(std::uint64_t offset, std::string bytes);
  void put_dynamic();
  void put_segments(std::size_t old_count);
  void put_section(std::size_t index, const ElfSection& now);
  void put_section_symbols();
  std::size_t find_string_section() const;
  void set_value(std::uint64_t tag, std::uint64_t value);
  std::optional<std::size_t> find_entry(std::uint64_t tag) const;

  Source& source_;
  ElfFile file_;
  std::vector<ElfDynamic> dynamic_;   // as it is to be
  std::vector<ElfSegment> segments_;  // as they are to be
  std::vector<ElfSection> sections_;
  std::vector<std::pair<std::size_t, std::uint64_t>> moved_;  // section, its new address
  ElfStrings strings_;
  std::string text_;  // the list, with colons
  RpathEdit::Tag wanted_tag_;
  std::uint64_t tag_ = dt_runpath;
  EditPlan plan_;
};

Editor::Editor(Source& source, const RpathEdit& edit) : source_(source), wanted_tag_(edit.tag) {
  file_.header = read_elf_header(source);
  if (file_.header.type != type_shared && file_.header.type != type_executable)
    refuse("it is not a linked object");
  read_elf_segments(source, file_);
  read_elf_dynamic(source, file_);
  if (file_.dynamic_offset == 0) refuse("it is linked statically and has no dynamic section");
  strings_ = find_elf_strings(source, file_);
  sections_ = read_elf_sections(source, file_.header);
  dynamic_ = file_.dynamic;
  segments_ = file_.segments;
  for (std::size_t i = 0; i < edit.entries.size(); ++i) {
    if (i > 0) text_ += ':';
    text_ += edit.entries[i];
  }
  plan_.size = source.size();
  plan_.method = "none";
}

void Editor::put(std::uint64_t offset, std::string bytes) {
  plan_.size = std::max(plan_.size, offset + bytes.size());
  plan_.patches.push_back({offset, std::move(bytes)});
}

std::optional<std::size_t> Editor::find_entry(std::uint64_t tag) const {
  for (std::size_t i = 0; i < dynamic_.size(); ++i) {
    if (dynamic_[i].tag == tag) return i;
  }
  return std::nullopt;
}

void Editor::set_value(std::uint64_t tag, std::uint64_t value) {
  if (const auto index = find_entry(tag)) dynamic_[*index].value = value;
}

// Which tag holds the list afterwards; the other one goes, where it would be searched instead.
void Editor::choose_tag() {
  const auto count = [&](std::uint64_t tag) {
    return std::count_if(dynamic_.begin(), dynamic_.end(),
                         [&](const ElfDynamic& entry) { return entry.tag == tag; });
  };
  if (count(dt_rpath) > 1 || count(dt_runpath) > 1) refuse("it has two lists of one kind");
  const bool has_rpath = count(dt_rpath) > 0, has_runpath = count(dt_runpath) > 0;
  if (wanted_tag_ == RpathEdit::Tag::rpath ||
      (wanted_tag_ == RpathEdit::Tag::keep && has_rpath && !has_runpath)) {
    tag_ = dt_rpath;
  }
  const std::uint64_t other = tag_ == dt_rpath ? dt_runpath : dt_rpath;
  const bool has_other = tag_ == dt_rpath ? has_runpath : has_rpath;
  const bool has_own = tag_ == dt_rpath ? has_rpath : has_runpath;
  if (!has_other) return;
  if (has_own) {
    // RPATH beside RUNPATH says nothing and may stay; a RUNPATH would hide the RPATH.
    if (other == dt_runpath || text_.empty()) remove_entry(other);
  } else {
    dynamic_[*find_entry(other)].tag = tag_;
  }
}

void Editor::remove_entry(std::uint64_t tag) {
  std::erase_if(dynamic_, [&](const ElfDynamic& entry) { return entry.tag == tag; });
}

// One slot must stay DT_NULL.
void Editor::make_room_for_entry() {
  if (dynamic_.size() + 2 <= file_.dynamic_slots) return;
  constexpr std::uint64_t dt_symbolic = 16, dt_bind_now = 24, dt_flags = 30, dt_relacount = 0x6ffffff9,
                          dt_relcount = 0x6ffffffa;
  constexpr std::uint64_t df_symbolic = 2, df_bind_now = 8, df_1_now = 1;
  const std::uint64_t flags = file_.value(dt_flags).value_or(0);
  const std::uint64_t flags_1 = file_.value(dt_flags_1).value_or(0);
  const bool now = (flags & df_bind_now) != 0 || (flags_1 & df_1_now) != 0;
  const bool is_program = std::any_of(segments_.begin(), segments_.end(),
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
    refuse("its dynamic section has no room for one more entry");
  }
  remove_entry(dead);
}

void Editor::write_entry(std::uint64_t string) {
  if (find_entry(tag_)) {
    set_value(tag_, string);
    return;
  }
  make_room_for_entry();
  dynamic_.push_back({tag_, string});
}

bool Editor::overwrite_old() {
  const auto index = find_entry(tag_);
  if (!index) return false;
  const std::uint64_t at = dynamic_[*index].value;
  if (at >= strings_.size) return false;
  const std::string old =
      source_.c_string(strings_.offset + at, strings_.offset + strings_.size, "the old list");
  if (text_.size() > old.size()) return false;
  // The index is that of the file's own section as long as nothing was removed before it.
  const auto own = std::find_if(file_.dynamic.begin(), file_.dynamic.end(), [&](const ElfDynamic& entry) {
    return (entry.tag == dt_rpath || entry.tag == dt_runpath) && entry.value == at;
  });
  if (own == file_.dynamic.end()) return false;
  const auto own_index = static_cast<std::size_t>(own - file_.dynamic.begin());
  if (is_string_shared(source_, file_, at, at + old.size(), own_index)) return false;
  std::string bytes = text_;
  bytes.resize(old.size(), '\0');
  put(strings_.offset + at, std::move(bytes));
  plan_.method = "old string";
  return true;
}

bool Editor::point_to_tail() {
  if (strings_.size > max_copied) return false;
  const std::string table = source_.bytes(strings_.offset, strings_.size, "dynamic string table");
  const std::size_t at = table.find(text_ + '\0');
  if (at == std::string::npos) return false;
  write_entry(at);
  plan_.method = "tail of another string";
  return true;
}

std::size_t Editor::find_string_section() const {
  for (std::size_t i = 0; i < sections_.size(); ++i) {
    if (sections_[i].type == sht_strtab && sections_[i].addr == strings_.address &&
        sections_[i].offset == strings_.offset) {
      return i;
    }
  }
  return SIZE_MAX;
}

// Where the last bytes of the file end that anything speaks of.
std::uint64_t Editor::used_end() const {
  const ElfHeader& header = file_.header;
  std::uint64_t end = header.phoff + std::uint64_t{header.phnum} * header.phentsize();
  if (header.shoff != 0) end = std::max(end, header.shoff + std::uint64_t{header.shnum} * header.shentsize());
  for (const ElfSegment& segment : file_.segments) end = std::max(end, segment.offset + segment.filesz);
  for (const ElfSection& section : sections_) {
    if (section.type != sht_null && section.type != sht_nobits)
      end = std::max(end, section.offset + section.size);
  }
  return end;
}

// Only a table that ends its segment, which ends the file but for padding, can be made longer: in the middle
// of a file nothing proves that zeros are nobody's.
bool Editor::grow_table() {
  const std::uint64_t end = strings_.offset + strings_.size;
  constexpr std::uint64_t max_padding = 4096;
  if (strings_.size == 0 || end != used_end() || source_.size() - end > max_padding) return false;
  const std::string padding = source_.bytes(end, source_.size() - end, "padding");
  if (padding.find_first_not_of('\0') != std::string::npos) return false;
  std::size_t own = SIZE_MAX;
  std::uint64_t top = 0;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].type != pt_load) continue;
    top = segments_[i].vaddr + segments_[i].memsz;
    if (segments_[i].offset + segments_[i].filesz == end && segments_[i].filesz == segments_[i].memsz)
      own = i;
  }
  if (own == SIZE_MAX || segments_[own].vaddr + segments_[own].memsz != top) return false;
  const bool ends = source_.bytes(end - 1, 1, "dynamic string table")[0] == '\0';
  const std::uint64_t string = strings_.size + (ends ? 0 : 1);
  const std::uint64_t added = text_.size() + 1 + (ends ? 0 : 1);
  write_entry(string);
  put(end, (ends ? "" : std::string(1, '\0')) + text_ + '\0');
  set_value(dt_strsz, strings_.size + added);
  segments_[own].filesz += added;
  segments_[own].memsz += added;
  put_segments(segments_.size());
  if (const std::size_t index = find_string_section(); index != SIZE_MAX) {
    ElfSection section = sections_[index];
    section.size = strings_.size + added;
    put_section(index, section);
  }
  plan_.method = "string table grown";
  return true;
}

// A copy of the string table (and of the head, where that moves) in a segment of its own at the end of the
// file.
void Editor::add_segment() {
  const auto page = largest_elf_page(file_.header.machine);
  if (!page) refuse("a new segment is needed, and the page size of its machine is not known");
  if (strings_.size > max_copied) refuse("its string table is too large to be copied");
  const auto slot = find_elf_slot(source_, file_, sections_, strings_);
  if (!slot) refuse("no program header can be had for a new segment");

  std::uint64_t top = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].type != pt_load) continue;
    top = segments_[i].vaddr + segments_[i].memsz;
    last = i;
  }
  constexpr std::uint64_t unit = 16;
  std::uint64_t offset = round_up(source_.size(), unit);
  ElfSegment load;
  load.type = pt_load;
  load.flags = flag_r;
  load.align = *page;

  std::string content;
  if (slot->kind == ElfSlot::Kind::head_moved) {
    if (slot->block_end - slot->block_begin > max_copied)
      refuse("the tables at its head are too large to be copied");
    offset += (slot->block_begin - offset) & (slot->align - 1);
    content = source_.bytes(slot->block_begin, slot->block_end - slot->block_begin, "the head");
    content.resize(static_cast<std::size_t>(round_up(content.size(), unit)), '\0');
  }
  // eu-elflint takes a relocation's place to be as large as the symbol that it names, and reports one that so
  // reaches into a read-only segment: the distance keeps it quiet. A larger one than this is not worth the
  // address space.
  constexpr std::uint64_t max_distance = 16U << 20;
  const std::uint64_t distance = std::min(largest_symbol(source_, file_), max_distance);
  load.offset = offset;
  load.vaddr = round_up(top + distance, *page) + offset % *page;
  load.paddr = load.vaddr;
  const std::uint64_t top_of_memory = file_.header.is64 ? UINT64_MAX : UINT32_MAX;
  if (top > top_of_memory / 2) refuse("its segments reach too high for one more");

  const std::uint64_t strings_at = content.size();
  content += source_.bytes(strings_.offset, strings_.size, "dynamic string table");
  if (content.size() == strings_at || content.back() != '\0') content += '\0';
  const std::uint64_t string = content.size() - strings_at;
  content += text_;
  content += '\0';
  load.filesz = load.memsz = content.size();

  write_entry(string);
  if (slot->kind == ElfSlot::Kind::head_moved) {
    move_block(*slot, offset - slot->block_begin, load.vaddr);
  }
  set_value(dt_strtab, load.vaddr + strings_at);
  set_value(dt_strsz, content.size() - strings_at);
  if (const std::size_t index = find_string_section(); index != SIZE_MAX) {
    ElfSection section = sections_[index];
    section.addr = load.vaddr + strings_at;
    section.offset = offset + strings_at;
    section.size = content.size() - strings_at;
    put_section(index, section);
  }
  put(offset, std::move(content));

  const std::size_t old_count = segments_.size();
  segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(last) + 1, load);
  if (slot->kind == ElfSlot::Kind::room_after_headers || slot->kind == ElfSlot::Kind::head_moved) {
    for (ElfSegment& segment : segments_) {
      if (segment.type != pt_phdr) continue;
      segment.filesz += file_.header.phentsize();
      segment.memsz += file_.header.phentsize();
    }
  } else {
    const std::size_t victim = slot->victim + (slot->victim > last ? 1 : 0);
    segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(victim));
  }
  put_segments(old_count);
  plan_.method = to_string(slot->kind);
}

// Tells everything that points into the block its new place, and clears the old one. `address` is that of the
// block.
void Editor::move_block(const ElfSlot& slot, std::uint64_t delta_offset, std::uint64_t address) {
  const auto moves = [&](std::uint64_t offset) {
    return offset >= slot.block_begin && offset < slot.block_end;
  };
  std::uint64_t delta_address = 0;
  for (const ElfSegment& segment : file_.segments) {
    if (segment.type == pt_load && slot.block_begin >= segment.offset &&
        slot.block_begin - segment.offset < segment.filesz) {
      delta_address = address - (segment.vaddr + (slot.block_begin - segment.offset));
      break;
    }
  }
  for (ElfSegment& segment : segments_) {
    const bool own = segment.type == pt_note || segment.type == pt_gnu_property || segment.type == pt_interp;
    if (!own || !moves(segment.offset)) continue;
    segment.offset += delta_offset;
    segment.vaddr += delta_address;
    segment.paddr += delta_address;
  }
  for (const std::uint64_t tag : {dt_hash, dt_gnu_hash, dt_symtab, dt_versym, dt_verdef, dt_verneed}) {
    const auto value = file_.value(tag);
    const auto span = value ? file_.span(*value) : std::nullopt;
    if (span && moves(span->offset)) set_value(tag, *value + delta_address);
  }
  for (std::size_t i = 0; i < sections_.size(); ++i) {
    ElfSection section = sections_[i];
    if ((section.flags & shf_alloc) == 0 || section.type == sht_nobits || !moves(section.offset)) continue;
    if (i == find_string_section()) continue;
    section.offset += delta_offset;
    section.addr += delta_address;
    put_section(i, section);
  }
  const std::uint64_t table_end =
      file_.header.phoff + std::uint64_t{file_.header.phnum} * file_.header.phentsize();
  put(table_end, std::string(static_cast<std::size_t>(slot.freed_end - table_end), '\0'));
}

void Editor::put_section(std::size_t index, const ElfSection& now) {
  const ElfHeader& header = file_.header;
  // sh_addr, sh_offset and sh_size stand together in both classes, behind sh_flags.
  put(header.shoff + index * header.shentsize() + (header.is64 ? 16 : 12),
      encode_elf_words(header, {now.addr, now.offset, now.size}));
  if (now.addr != sections_[index].addr) moved_.emplace_back(index, now.addr);
}

// Older linkers leave a symbol for each section, right at the beginning of the static symbol table.
void Editor::put_section_symbols() {
  constexpr std::uint8_t type_section = 3;
  const ElfHeader& header = file_.header;
  const auto table = std::find_if(sections_.begin(), sections_.end(),
                                  [](const ElfSection& section) { return section.type == sht_symtab; });
  if (moved_.empty() || table == sections_.end()) return;
  const std::uint64_t entry_size = header.is64 ? 24 : 16;
  const std::uint64_t count = std::min<std::uint64_t>(table->size / entry_size, sections_.size() + 1);
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

void Editor::put_segments(std::size_t old_count) {
  const ElfHeader& header = file_.header;
  put(header.phoff, encode_elf_segments(header, segments_));
  if (segments_.size() == old_count) return;
  std::string count(2, '\0');
  store16(count.data(), static_cast<std::uint16_t>(segments_.size()), header.big);
  put(header.is64 ? 56 : 44, std::move(count));
}

void Editor::put_dynamic() {
  const ElfHeader& header = file_.header;
  const std::size_t slots = std::max(file_.dynamic.size(), dynamic_.size()) + 1;
  const std::string before = encode_elf_dynamic(header, file_.dynamic, slots);
  const std::string now = encode_elf_dynamic(header, dynamic_, slots);
  const auto first = std::mismatch(before.begin(), before.end(), now.begin()).first - before.begin();
  if (first == static_cast<std::ptrdiff_t>(now.size())) return;
  const std::uint64_t skip = static_cast<std::uint64_t>(first) / header.dynentsize() * header.dynentsize();
  put(file_.dynamic_offset + skip, now.substr(static_cast<std::size_t>(skip)));
}

EditPlan Editor::run() {
  choose_tag();
  const auto index = find_entry(tag_);
  if (text_.empty()) {
    remove_entry(tag_);
    if (index) plan_.method = "removed";
  } else {
    const bool same = index && dynamic_[*index].value < strings_.size &&
                      source_.c_string(strings_.offset + dynamic_[*index].value,
                                       strings_.offset + strings_.size, "the old list") == text_;
    if (same) {
      if (dynamic_ != file_.dynamic) plan_.method = "old string";
    } else if (!overwrite_old() && !point_to_tail() && !grow_table()) {
      add_segment();
    }
  }
  put_dynamic();
  put_section_symbols();
  if (!file_.header.is64 && plan_.size > UINT32_MAX) refuse("it would get larger than its class can say");
  return std::move(plan_);
}

}  // namespace

EditPlan plan_elf_edit(Source& source, const RpathEdit& edit) { return Editor(source, edit).run(); }

}  // namespace axle::object
