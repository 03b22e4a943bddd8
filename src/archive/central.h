#pragma once
// The central directory. spec: APPNOTE 4.3.12.

#include <cstdint>
#include <string_view>
#include <vector>

#include "archive/end_record.h"
#include "archive/format.h"
#include "axle/archive/archive.h"

namespace axle::zip {

// What a central header says, in the raw; `raw_name` is a view of the directory's bytes.
struct CentralEntry {
  std::string_view raw_name;
  std::uint64_t size = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t local_offset = 0;
  std::uint32_t crc32 = 0;
  std::uint32_t attributes = 0;  // external
  std::uint16_t version_needed = 0;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint16_t time = 0;
  std::uint16_t date = 0;
  std::uint8_t host = 0;  // the system it was made on
  bool encrypted = false;
  bool zip64 = false;  // its sizes or its offset stand in a ZIP64 field

  bool is_directory() const noexcept { return raw_name.ends_with('/'); }
};

// All headers of the directory, which holds exactly these. Each is well-formed in itself: sizes that its
// method and the file permit, known flags, no comment, a file type that a wheel may hold. Names are checked
// elsewhere. Throws Error(bad_input).
std::vector<CentralEntry> parse_central(const Source& source, const End& end, const ArchiveLimits& limits);

// The entry as the public type has it.
Member make_member(const CentralEntry& entry, std::uint64_t data_offset);

}  // namespace axle::zip
