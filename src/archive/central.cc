#include "archive/central.h"

#include <algorithm>
#include <array>

#include "archive/extra.h"

namespace axle::zip {
namespace {

constexpr std::uint16_t known_flags =
    flag_encrypted | 1U << 1 | 1U << 2 | flag_descriptor | flag_strong_encryption | flag_utf8 | flag_masked;
constexpr std::uint8_t host_unix = 3;
constexpr std::uint8_t host_macos = 19;
constexpr std::uint32_t dos_directory = 0x10;
constexpr std::uint32_t type_mask = 0170000;
constexpr std::uint32_t type_regular = 0100000;
constexpr std::uint32_t type_directory = 0040000;
constexpr std::uint32_t type_symlink = 0120000;
// A match of 258 bytes takes two bits at least: no deflate stream holds more.
constexpr std::uint64_t max_deflate_ratio = 1032;
// Of all headers together: libzip's memory grows with them.
constexpr std::size_t max_extra_fields = 500'000;

// Replaces saturated fields by those of the ZIP64 extra field, which holds exactly these, in this order.
void apply_zip64(const Source& source, CentralEntry& entry, std::uint16_t& disk, const ExtraFields& extra) {
  std::array<std::uint64_t*, 3> wide{};
  std::size_t count = 0;
  for (std::uint64_t* field : {&entry.size, &entry.packed_size, &entry.local_offset}) {
    if (*field == saturated32) wide[count++] = field;
  }
  const bool wide_disk = disk == saturated16;
  entry.zip64 = count > 0;
  if (count == 0 && !wide_disk && !extra.zip64) return;
  if (!extra.zip64 || extra.zip64->size() != 8 * count + (wide_disk ? 4 : 0)) {
    refuse_member(source, entry.raw_name, "its ZIP64 extra field is missing or of the wrong length");
  }
  for (std::size_t i = 0; i < count; ++i) *wide[i] = le64(*extra.zip64, 8 * i);
  if (wide_disk && le32(*extra.zip64, 8 * count) == 0) disk = 0;
}

void check_type(const Source& source, const CentralEntry& entry) {
  // Some readers look at the mode whatever the host is said to be.
  const std::uint32_t type = entry.attributes >> 16 & type_mask;
  if (type == type_symlink)
    refuse_member(source, entry.raw_name, "is a symbolic link; wheels hold files only");
  if (type != 0 && type != type_regular && type != type_directory) {
    refuse_member(source, entry.raw_name, "is neither a file nor a directory");
  }
  if (entry.is_directory()) {
    if (entry.size != 0 || entry.crc32 != 0)
      refuse_member(source, entry.raw_name, "is a directory with content");
  } else if (type == type_directory || (entry.attributes & dos_directory) != 0) {
    refuse_member(source, entry.raw_name, "is marked as a directory but named like a file");
  }
}

void check_sizes(const Source& source, const CentralEntry& entry, const ArchiveLimits& limits) {
  if (entry.packed_size > source.size || entry.local_offset > source.size) {
    refuse_member(source, entry.raw_name, "reaches past the end of the archive");
  }
  if (entry.size > limits.max_member_size) {
    refuse_member(source, entry.raw_name,
                  "has " + count_bytes(entry.size) + "; at most " + std::to_string(limits.max_member_size) +
                      " are accepted");
  }
  if (entry.method == method_stored && !entry.encrypted && entry.size != entry.packed_size) {
    refuse_member(source, entry.raw_name,
                  "is stored, but its two sizes are " + std::to_string(entry.packed_size) + " and " +
                      std::to_string(entry.size));
  }
  if (entry.method == method_deflate && entry.size / max_deflate_ratio > entry.packed_size) {
    refuse_member(source, entry.raw_name,
                  "declares " + count_bytes(entry.size) + ", more than " + count_bytes(entry.packed_size) +
                      " of deflate can hold");
  }
}

// Seconds since 1970 of a DOS date and time. Out of range parts are clamped: tools write zeros for "none".
std::int64_t unix_time(std::uint16_t date, std::uint16_t time) noexcept {
  const int year = 1980 + (date >> 9);
  const int month = std::clamp(date >> 5 & 15, 1, 12);
  const bool leap = year % 4 == 0 && year != 2100;  // 1980 to 2107
  constexpr std::array<int, 12> month_days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  constexpr std::array<int, 12> days_before{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  const auto index = static_cast<std::size_t>(month - 1);
  const int day = std::clamp(date & 31, 1, month_days[index] + (month == 2 && leap ? 1 : 0));
  const int leap_days = (year - 1969) / 4 - (year > 2100 ? 1 : 0);
  const std::int64_t days =
      (year - 1970) * 365 + leap_days + days_before[index] + (month > 2 && leap ? 1 : 0) + day - 1;
  const int hour = std::min(time >> 11, 23);
  const int minute = std::min(time >> 5 & 63, 59);
  const int second = std::min((time & 31) * 2, 59);
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

}  // namespace

std::vector<CentralEntry> parse_central(const Source& source, const End& end, const ArchiveLimits& limits) {
  std::string_view rest = end.tail.at(end.directory.offset, end.directory.size);
  std::vector<CentralEntry> entries(static_cast<std::size_t>(end.directory.entries));
  std::uint64_t total = 0;
  std::size_t extra_fields = 0;
  for (CentralEntry& entry : entries) {
    if (rest.size() < central_size || le32(rest, 0) != central_signature) {
      refuse(source, "has no central header at offset " +
                         std::to_string(end.directory.offset + end.directory.size - rest.size()) +
                         ", where the next of its " + std::to_string(entries.size()) + " should be");
    }
    const std::size_t name_size = le16(rest, 28);
    const std::size_t extra_size = le16(rest, 30);
    const std::size_t comment_size = le16(rest, 32);
    if (rest.size() - central_size < name_size + extra_size + comment_size) {
      refuse(source, "has a central header that reaches past the directory's end");
    }
    entry.raw_name = rest.substr(central_size, name_size);
    entry.host = static_cast<std::uint8_t>(rest[5]);
    entry.version_needed = le16(rest, 6);
    entry.flags = le16(rest, 8);
    entry.method = le16(rest, 10);
    entry.time = le16(rest, 12);
    entry.date = le16(rest, 14);
    entry.crc32 = le32(rest, 16);
    entry.packed_size = le32(rest, 20);
    entry.size = le32(rest, 24);
    std::uint16_t disk = le16(rest, 34);
    entry.attributes = le32(rest, 38);
    entry.local_offset = le32(rest, 42);

    if (comment_size != 0) refuse_member(source, entry.raw_name, "has a comment of its own");
    if ((entry.flags & ~known_flags) != 0)
      refuse_member(source, entry.raw_name, "has flags of no known meaning");
    const ExtraFields extra = parse_extra(source, entry.raw_name, HeaderKind::central,
                                          rest.substr(central_size + name_size, extra_size));
    extra_fields += extra.count;
    if (extra_fields > max_extra_fields) refuse(source, "has too many extra fields in its central directory");
    apply_zip64(source, entry, disk, extra);
    if (disk != 0) refuse_member(source, entry.raw_name, "lies on another disk");
    entry.encrypted =
        extra.encrypted || (entry.flags & (flag_encrypted | flag_strong_encryption | flag_masked)) != 0;
    check_sizes(source, entry, limits);
    check_type(source, entry);
    if (entry.size > limits.max_total_size - total) {
      refuse(source, "holds more than " + std::to_string(limits.max_total_size) + " bytes when unpacked");
    }
    total += entry.size;
    rest.remove_prefix(central_size + name_size + extra_size);
  }
  if (!rest.empty()) {
    refuse(source, "has " + count_bytes(rest.size()) + " in its central directory after the last of its " +
                       std::to_string(entries.size()) + " headers");
  }
  return entries;
}

Member make_member(const CentralEntry& entry, std::uint64_t data_offset) {
  Member member;
  member.is_directory = entry.is_directory();
  member.name = entry.raw_name.substr(0, entry.raw_name.size() - (member.is_directory ? 1 : 0));
  member.size = entry.size;
  member.packed_size = entry.packed_size;
  member.data_offset = data_offset;
  member.crc32 = entry.crc32;
  if (entry.host == host_unix || entry.host == host_macos) member.unix_mode = entry.attributes >> 16;
  member.mtime = unix_time(entry.date, entry.time);
  member.method = entry.method == method_stored ? ZipMethod::stored : ZipMethod::deflate;
  return member;
}

}  // namespace axle::zip
