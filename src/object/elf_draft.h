#pragma once
// An ELF file as it is and as an edit leaves it, with the patches that lead from one to the other. What goes
// where is decided in elf_edit.cc; here all who point to a thing are told where it went.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "axle/object/rpath_edit.h"
#include "object/elf_file.h"
#include "object/elf_head.h"
#include "object/elf_sections.h"
#include "object/elf_strings.h"

namespace axle::object {

// Throws Error(unsupported).
[[noreturn]] void refuse_edit(std::string reason);

class ElfDraft {
 public:
  // Throws Error(unsupported) for what is not linked dynamically, and Damage.
  explicit ElfDraft(Source& source);

  // As they are.
  ElfFile file;
  std::vector<ElfSection> sections;
  ElfStrings strings;
  // As they are to be.
  std::vector<ElfDynamic> dynamic;
  std::vector<ElfSegment> segments;

  std::optional<std::size_t> find_entry(std::uint64_t tag) const;
  void set_value(std::uint64_t tag, std::uint64_t value);  // of an entry that is there
  void remove_entry(std::uint64_t tag);
  // Sets the entry, or adds it; refuses where there is no room for one.
  void write_entry(std::uint64_t tag, std::uint64_t value);

  // The section of the dynamic string table; SIZE_MAX when it has none.
  std::size_t find_string_section() const;

  void put(std::uint64_t offset, std::string bytes);
  void put_section(std::size_t index, const ElfSection& now);
  void put_segments(std::size_t old_count);
  // Tells everything that points into the block of `slot` its new place, and clears the old one. `address` is
  // that of the block.
  void move_block(const ElfSlot& slot, std::uint64_t delta_offset, std::uint64_t address);

  // Writes the dynamic section and the symbols of moved sections, and gives the plan; last.
  EditPlan finish(std::string method);

 private:
  void make_room_for_entry();
  void put_dynamic();
  void put_section_symbols();

  Source& source_;
  std::vector<std::pair<std::size_t, std::uint64_t>> moved_;  // section, its new address
  EditPlan plan_;
};

}  // namespace axle::object
