#pragma once
// Zips written byte by byte for tests. Every number of every record can be set to what it should not be; what
// is not set is what a correct writer would put there.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace axle::test {

// Little-endian numbers as bytes.
std::string le16(std::uint64_t value);
std::string le32(std::uint64_t value);
std::string le64(std::uint64_t value);
// One extra field.
std::string extra_field(std::uint16_t id, std::string_view body);

std::uint32_t crc32_of(std::string_view data);
std::string deflated(std::string_view data);

// A header's fields. Those left out come from the item and, for a central header, from the position in the
// file.
struct ZipHeader {
  std::optional<std::uint32_t> signature = {};
  std::optional<std::uint16_t> made_by = {};  // central only; default: Unix, 2.0
  std::optional<std::uint16_t> version = {};
  std::optional<std::uint16_t> flags = {};
  std::optional<std::uint16_t> method = {};
  std::optional<std::uint16_t> time = {};
  std::optional<std::uint16_t> date = {};
  std::optional<std::uint32_t> crc32 = {};
  std::optional<std::uint32_t> packed_size = {};
  std::optional<std::uint32_t> size = {};
  std::optional<std::string> name = {};
  std::optional<std::uint16_t> name_size = {};
  std::string extra;
  // Central only.
  std::string comment;
  std::optional<std::uint16_t> disk = {};
  std::optional<std::uint32_t> attributes = {};
  std::optional<std::uint32_t> offset = {};
};

// A data descriptor. Written when the item has one.
struct ZipDescriptor {
  bool signature = true;
  bool wide = false;  // sizes of 8 bytes
  std::optional<std::uint32_t> crc32 = {};
  std::optional<std::uint64_t> packed_size = {};
  std::optional<std::uint64_t> size = {};
};

struct ZipItem {
  std::string name;
  std::string data;
  bool deflate = false;
  std::optional<std::string> packed = {};  // instead of `data` as it is or deflated
  std::uint16_t flags = 0;
  ZipHeader local;
  ZipHeader central;
  std::optional<ZipDescriptor> descriptor = {};  // sets the flag, and the local header's sizes and CRC to 0
  std::string gap;                               // bytes before the local header
  bool without_local = false;
  bool without_central = false;
  // The local header takes this item's bytes for its own, instead of being written.
  std::optional<std::size_t> shares_local_of = {};
};

struct Zip64End {
  std::optional<std::uint64_t> record_size = {};
  std::optional<std::uint64_t> entries = {};
  std::optional<std::uint64_t> size = {};
  std::optional<std::uint64_t> offset = {};
  std::optional<std::uint64_t> record_offset = {};  // in the locator
  std::string extensible;
  bool without_record = false;
  bool saturate = true;  // the end record's fields
};

struct Zip {
  std::string prefix;
  std::vector<ZipItem> items;
  std::string before_directory;
  std::string after_directory;
  std::optional<Zip64End> zip64 = {};
  std::optional<std::uint16_t> disk = {};
  std::optional<std::uint16_t> entries = {};
  std::optional<std::uint16_t> disk_entries = {};
  std::optional<std::uint32_t> directory_size = {};
  std::optional<std::uint32_t> directory_offset = {};
  std::string comment;
  std::optional<std::uint16_t> comment_size = {};
  std::string suffix;

  std::string bytes() const;
};

// A legal zip of deflated files; names that end in a slash are directories.
Zip zip_of(const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace axle::test
