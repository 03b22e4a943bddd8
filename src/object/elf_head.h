#pragma once
// Where one more program header can come from (see the essay in elf_edit.cc).

#include <optional>
#include <string>
#include <vector>

#include "object/elf_file.h"
#include "object/elf_sections.h"
#include "object/elf_strings.h"

namespace axle::object {

// A way to one more PT_LOAD entry.
struct ElfSlot {
  enum class Kind {
    string_segment,
    spare_header,
    redundant_note,
    room_after_headers,
    head_moved,
    note_given_up
  };
  Kind kind = Kind::spare_header;
  std::size_t victim =
      0;  // the entry that gives way, where one does (all but room_after_headers and head_moved)
  // head_moved: these bytes of the file must be moved elsewhere as one piece, keeping their place modulo
  // `align`. The table and what else is cut off then have [block_begin, freed_end).
  std::uint64_t block_begin = 0;
  std::uint64_t block_end = 0;
  std::uint64_t freed_end = 0;
  std::uint64_t align = 1;
};

std::string_view to_string(ElfSlot::Kind kind) noexcept;

// The first of the kinds, in their order, that this object has; nullopt when it has none.
std::optional<ElfSlot> find_elf_slot(Source& source, const ElfFile& file,
                                     const std::vector<ElfSection>& sections, const ElfStrings& strings);

}  // namespace axle::object
