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
//   1. old string    the new one fits over the old one, and nothing else begins in it (linkers share tails).
//   2. tail          the new one already ends some string of the table: the entry points there.
//   3. grown         the table is followed by room of its own segment or of the file (so it is after step 4).
//   4. new segment   a copy of the table with the new string goes to the end of the file, with a read-only
//                    PT_LOAD of its own; DT_STRTAB, DT_STRSZ and the section header follow.
// The program header for a new segment comes from (elf_head.h)
//   own         the segment of the old table, where that holds nothing else (patchelf leaves such),
//   spare       PT_NULL, which some linkers reserve,
//   redundant   a PT_NOTE that says the same as PT_GNU_PROPERTY; readers of either lose nothing,
//   room        unused bytes behind the table,
//   head        the small tables behind the program headers (notes, hash, if needed symbols): they move into
//               the new segment as one piece, all who point to them are told, and the program headers grow
//               in place,
//   note        the build-id's PT_NOTE: only tools that look for notes by segment lose it.
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

#include "object/elf_draft.h"

namespace axle::object {

using namespace elf;

namespace {

// A table that is larger is not copied in memory.
constexpr std::uint64_t max_copied = 256U << 20;

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

class Editor {
 public:
  Editor(Source& source, const RpathEdit& edit);
  EditPlan run();

 private:
  void choose_tag();
  bool overwrite_old();
  bool point_to_tail();
  std::uint64_t used_end() const;
  bool grow_table();
  void add_segment();

  Source& source_;
  ElfDraft draft_;
  std::string text_;  // the list, with colons
  RpathEdit::Tag wanted_tag_;
  std::uint64_t tag_ = dt_runpath;
  std::string method_ = "none";
};

Editor::Editor(Source& source, const RpathEdit& edit)
    : source_(source), draft_(source), wanted_tag_(edit.tag) {
  for (std::size_t i = 0; i < edit.entries.size(); ++i) {
    if (i > 0) text_ += ':';
    text_ += edit.entries[i];
  }
}

// Which tag holds the list afterwards; the other one goes, where it would be searched instead.
void Editor::choose_tag() {
  const auto count = [&](std::uint64_t tag) {
    return std::count_if(draft_.dynamic.begin(), draft_.dynamic.end(),
                         [&](const ElfDynamic& entry) { return entry.tag == tag; });
  };
  if (count(dt_rpath) > 1 || count(dt_runpath) > 1) refuse_edit("it has two lists of one kind");
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
    if (other == dt_runpath || text_.empty()) draft_.remove_entry(other);
  } else {
    draft_.dynamic[*draft_.find_entry(other)].tag = tag_;
  }
}

bool Editor::overwrite_old() {
  const auto index = draft_.find_entry(tag_);
  if (!index) return false;
  const std::uint64_t at = draft_.dynamic[*index].value;
  if (at >= draft_.strings.size) return false;
  const std::string old = source_.c_string(draft_.strings.offset + at,
                                           draft_.strings.offset + draft_.strings.size, "the old list");
  if (text_.size() > old.size()) return false;
  // The index is that of the file's own section as long as nothing was removed before it.
  const auto own =
      std::find_if(draft_.file.dynamic.begin(), draft_.file.dynamic.end(), [&](const ElfDynamic& entry) {
        return (entry.tag == dt_rpath || entry.tag == dt_runpath) && entry.value == at;
      });
  if (own == draft_.file.dynamic.end()) return false;
  const auto own_index = static_cast<std::size_t>(own - draft_.file.dynamic.begin());
  if (is_string_shared(source_, draft_.file, at, at + old.size(), own_index)) return false;
  std::string bytes = text_;
  bytes.resize(old.size(), '\0');
  draft_.put(draft_.strings.offset + at, std::move(bytes));
  method_ = "old string";
  return true;
}

bool Editor::point_to_tail() {
  if (draft_.strings.size > max_copied) return false;
  const std::string table = source_.bytes(draft_.strings.offset, draft_.strings.size, "dynamic string table");
  const std::size_t at = table.find(text_ + '\0');
  if (at == std::string::npos) return false;
  draft_.write_entry(tag_, at);
  method_ = "tail of another string";
  return true;
}

// Where the last bytes of the file end that anything speaks of.
std::uint64_t Editor::used_end() const {
  const ElfHeader& header = draft_.file.header;
  std::uint64_t end = header.phoff + std::uint64_t{header.phnum} * header.phentsize();
  if (header.shoff != 0) end = std::max(end, header.shoff + std::uint64_t{header.shnum} * header.shentsize());
  for (const ElfSegment& segment : draft_.file.segments) end = std::max(end, segment.offset + segment.filesz);
  for (const ElfSection& section : draft_.sections) {
    if (section.type != sht_null && section.type != sht_nobits)
      end = std::max(end, section.offset + section.size);
  }
  return end;
}

// Only a table that ends its segment, which ends the file but for padding, can be made longer: in the middle
// of a file nothing proves that zeros are nobody's.
bool Editor::grow_table() {
  const std::uint64_t end = draft_.strings.offset + draft_.strings.size;
  constexpr std::uint64_t max_padding = 4096;
  if (draft_.strings.size == 0 || end != used_end() || source_.size() - end > max_padding) return false;
  const std::string padding = source_.bytes(end, source_.size() - end, "padding");
  if (padding.find_first_not_of('\0') != std::string::npos) return false;
  std::size_t own = SIZE_MAX;
  std::uint64_t top = 0;
  for (std::size_t i = 0; i < draft_.segments.size(); ++i) {
    if (draft_.segments[i].type != pt_load) continue;
    top = draft_.segments[i].vaddr + draft_.segments[i].memsz;
    if (draft_.segments[i].offset + draft_.segments[i].filesz == end &&
        draft_.segments[i].filesz == draft_.segments[i].memsz)
      own = i;
  }
  if (own == SIZE_MAX || draft_.segments[own].vaddr + draft_.segments[own].memsz != top) return false;
  const bool ends = source_.bytes(end - 1, 1, "dynamic string table")[0] == '\0';
  const std::uint64_t string = draft_.strings.size + (ends ? 0 : 1);
  const std::uint64_t added = text_.size() + 1 + (ends ? 0 : 1);
  draft_.write_entry(tag_, string);
  draft_.put(end, (ends ? "" : std::string(1, '\0')) + text_ + '\0');
  draft_.set_value(dt_strsz, draft_.strings.size + added);
  draft_.segments[own].filesz += added;
  draft_.segments[own].memsz += added;
  draft_.put_segments(draft_.segments.size());
  if (const std::size_t index = draft_.find_string_section(); index != SIZE_MAX) {
    ElfSection section = draft_.sections[index];
    section.size = draft_.strings.size + added;
    draft_.put_section(index, section);
  }
  method_ = "string table grown";
  return true;
}

// A copy of the string table (and of the head, where that moves) in a segment of its own at the end of the
// file.
void Editor::add_segment() {
  const auto page = largest_elf_page(draft_.file.header.machine);
  if (!page) refuse_edit("a new segment is needed, and the page size of its machine is not known");
  if (draft_.strings.size > max_copied) refuse_edit("its string table is too large to be copied");
  const auto slot = find_elf_slot(source_, draft_.file, draft_.sections, draft_.strings);
  if (!slot) refuse_edit("no program header can be had for a new segment");

  std::uint64_t top = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < draft_.segments.size(); ++i) {
    if (draft_.segments[i].type != pt_load) continue;
    top = draft_.segments[i].vaddr + draft_.segments[i].memsz;
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
      refuse_edit("the tables at its head are too large to be copied");
    offset += (slot->block_begin - offset) & (slot->align - 1);
    content = source_.bytes(slot->block_begin, slot->block_end - slot->block_begin, "the head");
    content.resize(static_cast<std::size_t>(round_up(content.size(), unit)), '\0');
  }
  // eu-elflint takes a relocation's place to be as large as the symbol that it names, and reports one that so
  // reaches into a read-only segment: the distance keeps it quiet. A larger one than this is not worth the
  // address space.
  constexpr std::uint64_t max_distance = 16U << 20;
  const std::uint64_t distance = std::min(largest_symbol(source_, draft_.file), max_distance);
  load.offset = offset;
  load.vaddr = round_up(top + distance, *page) + offset % *page;
  load.paddr = load.vaddr;
  const std::uint64_t top_of_memory = draft_.file.header.is64 ? UINT64_MAX : UINT32_MAX;
  if (top > top_of_memory / 2) refuse_edit("its segments reach too high for one more");

  const std::uint64_t strings_at = content.size();
  content += source_.bytes(draft_.strings.offset, draft_.strings.size, "dynamic string table");
  if (content.size() == strings_at || content.back() != '\0') content += '\0';
  const std::uint64_t string = content.size() - strings_at;
  content += text_;
  content += '\0';
  load.filesz = load.memsz = content.size();

  draft_.write_entry(tag_, string);
  if (slot->kind == ElfSlot::Kind::head_moved) {
    draft_.move_block(*slot, offset - slot->block_begin, load.vaddr);
  }
  draft_.set_value(dt_strtab, load.vaddr + strings_at);
  draft_.set_value(dt_strsz, content.size() - strings_at);
  if (const std::size_t index = draft_.find_string_section(); index != SIZE_MAX) {
    ElfSection section = draft_.sections[index];
    section.addr = load.vaddr + strings_at;
    section.offset = offset + strings_at;
    section.size = content.size() - strings_at;
    draft_.put_section(index, section);
  }
  draft_.put(offset, std::move(content));

  const std::size_t old_count = draft_.segments.size();
  draft_.segments.insert(draft_.segments.begin() + static_cast<std::ptrdiff_t>(last) + 1, load);
  if (slot->kind == ElfSlot::Kind::room_after_headers || slot->kind == ElfSlot::Kind::head_moved) {
    for (ElfSegment& segment : draft_.segments) {
      if (segment.type != pt_phdr) continue;
      segment.filesz += draft_.file.header.phentsize();
      segment.memsz += draft_.file.header.phentsize();
    }
  } else {
    const std::size_t victim = slot->victim + (slot->victim > last ? 1 : 0);
    draft_.segments.erase(draft_.segments.begin() + static_cast<std::ptrdiff_t>(victim));
  }
  draft_.put_segments(old_count);
  method_ = to_string(slot->kind);
}

EditPlan Editor::run() {
  choose_tag();
  const auto index = draft_.find_entry(tag_);
  if (text_.empty()) {
    draft_.remove_entry(tag_);
    if (index) method_ = "removed";
  } else {
    const bool same = index && draft_.dynamic[*index].value < draft_.strings.size &&
                      source_.c_string(draft_.strings.offset + draft_.dynamic[*index].value,
                                       draft_.strings.offset + draft_.strings.size, "the old list") == text_;
    if (same) {
      if (draft_.dynamic != draft_.file.dynamic) method_ = "old string";
    } else if (!overwrite_old() && !point_to_tail() && !grow_table()) {
      add_segment();
    }
  }
  return draft_.finish(std::move(method_));
}

}  // namespace

EditPlan plan_elf_edit(Source& source, const RpathEdit& edit) { return Editor(source, edit).run(); }

}  // namespace axle::object
