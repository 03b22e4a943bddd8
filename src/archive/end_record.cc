#include "archive/end_record.h"

#include <algorithm>

#include "base/text.h"

namespace axle::zip {
namespace {

// A comment of 65,535 bytes, the end record, the ZIP64 locator and the ZIP64 record fit.
constexpr std::uint64_t tail_size = 66U << 10;
// A comment longer than this may hide the end record from readers that look at the last KiB only.
constexpr std::size_t max_comment = 1000;
// libzip tries every one of them, and each may cost it as much as a directory of 65,535 entries.
constexpr int max_signatures = 64;
constexpr std::string_view end_mark("PK\5\6", 4);
constexpr const char* damaged_hint = "the file may be damaged or incomplete; fetch it again";
constexpr const char* rebuild_hint = "tools would read such a file differently; rebuild the wheel";

Tail read_tail(const Source& source, std::uint64_t size) {
  Tail tail{source.size - size, {}};
  tail.bytes.resize(static_cast<std::size_t>(size));
  source.read(tail.bytes.data(), tail.bytes.size(), tail.begin);
  return tail;
}

void check_comment(const Source& source, std::string_view comment) {
  if (comment.size() > max_comment) {
    refuse(source, "has an archive comment of " + count_bytes(comment.size()) + "; at most 1000 are accepted",
           rebuild_hint);
  }
  // No signature of the format is printable, so a printable comment cannot hold a second archive.
  const bool printable = std::all_of(comment.begin(), comment.end(), [](char c) {
    return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n' || c == '\r';
  });
  if (!printable) refuse(source, "has an archive comment that is not plain text", rebuild_hint);
}

struct Found {
  std::size_t end;    // where in the tail the end record begins
  std::size_t other;  // one past the begin of the last other signature, 0 when there is none
};

// Readers search for the end record from either side: whichever they take, it must be the same. The signature
// of one may stand in a member's data, as a stored zip has it.
Found find_end(const Source& source, std::string_view bytes) {
  const std::size_t last = bytes.rfind(end_mark);
  if (last == std::string_view::npos || bytes.size() - last < end_size) {
    refuse(source, "is not a complete zip archive: it has no end record", damaged_hint);
  }
  const std::uint64_t after = bytes.size() - last - end_size;
  const std::uint64_t comment = le16(bytes, last + 20);
  if (after > comment) {
    refuse(source, "has " + count_bytes(after - comment) + " after its end record", rebuild_hint);
  }
  if (after < comment) refuse(source, "ends within its archive comment", damaged_hint);
  check_comment(source, bytes.substr(last + end_size));
  int count = 0;
  std::size_t other = 0;
  for (std::size_t at = bytes.find(end_mark); at < last; at = bytes.find(end_mark, at + 1)) {
    if (++count > max_signatures) refuse(source, "has too many end records near its end", rebuild_hint);
    other = at + 1;
    if (at + end_size <= bytes.size() && at + end_size + le16(bytes, at + 20) == bytes.size()) {
      refuse(source, "has two end records: either may be taken for the real one", rebuild_hint);
    }
  }
  return {last, other};
}

// A field of the end record is its ZIP64 value, or says that it stands there.
void check_field(const Source& source, const char* what, std::uint64_t narrow, std::uint64_t saturated,
                 std::uint64_t wide) {
  if (narrow != saturated && narrow != wide) {
    refuse(source,
           std::string("has end records that disagree about ") + what + ": " + std::to_string(narrow) +
               ", ZIP64 " + std::to_string(wide),
           rebuild_hint);
  }
}

// `locator` is where the ZIP64 locator begins in the tail, `end` the end record. Returns where the ZIP64
// record begins.
std::size_t read_zip64(const Source& source, const Tail& tail, std::size_t locator, std::size_t end,
                       Directory& directory) {
  const std::string_view bytes = tail.bytes;
  if (locator < zip64_end_size) refuse(source, "has a ZIP64 locator but no ZIP64 end record", rebuild_hint);
  const std::size_t record = locator - zip64_end_size;
  if (le64(bytes, locator + 8) != tail.begin + record || le32(bytes, record) != zip64_end_signature) {
    refuse(source, "has a ZIP64 end record that is not directly before its locator, or has extensible data",
           rebuild_hint);
  }
  if (le64(bytes, record + 4) != zip64_end_size - 12) {
    refuse(source, "has a ZIP64 end record of an unknown length", rebuild_hint);
  }
  if (le32(bytes, locator + 4) != 0 || le32(bytes, locator + 16) != 1 || le32(bytes, record + 16) != 0 ||
      le32(bytes, record + 20) != 0) {
    refuse(source, "is split over several disks");
  }
  directory.entries = le64(bytes, record + 32);
  directory.size = le64(bytes, record + 40);
  directory.offset = le64(bytes, record + 48);
  check_field(source, "the entries of this disk", le64(bytes, record + 24), directory.entries,
              directory.entries);
  check_field(source, "the disk", le16(bytes, end + 4), saturated16, 0);
  check_field(source, "the directory's disk", le16(bytes, end + 6), saturated16, 0);
  check_field(source, "the entries of this disk", le16(bytes, end + 8), saturated16, directory.entries);
  check_field(source, "the number of entries", le16(bytes, end + 10), saturated16, directory.entries);
  check_field(source, "the directory's size", le32(bytes, end + 12), saturated32, directory.size);
  check_field(source, "the directory's offset", le32(bytes, end + 16), saturated32, directory.offset);
  return record;
}

}  // namespace

End read_end(const Source& source, const ArchiveLimits& limits) {
  End result{{}, read_tail(source, std::min(source.size, tail_size))};
  Directory& directory = result.directory;
  const std::string_view bytes = result.tail.bytes;
  const auto [end, other] = find_end(source, bytes);

  std::size_t records = end;  // where the records after the central directory begin
  if (end >= zip64_locator_size && le32(bytes, end - zip64_locator_size) == zip64_locator_signature) {
    records = read_zip64(source, result.tail, end - zip64_locator_size, end, directory);
  } else {
    if (le16(bytes, end + 4) != 0 || le16(bytes, end + 6) != 0) refuse(source, "is split over several disks");
    directory.entries = le16(bytes, end + 10);
    directory.size = le32(bytes, end + 12);
    directory.offset = le32(bytes, end + 16);
    if (le16(bytes, end + 8) != directory.entries) refuse(source, "is split over several disks");
  }

  const std::uint64_t directory_end = result.tail.begin + records;
  if (directory.offset > directory_end || directory.size > directory_end - directory.offset) {
    refuse(source, "has a central directory that reaches past its end record", damaged_hint);
  }
  if (const std::uint64_t gap = directory_end - directory.offset - directory.size; gap > 0) {
    refuse(source,
           "has " + count_bytes(gap) +
               " too many before its end record: a gap, a second archive, or "
               "something put before the archive",
           rebuild_hint);
  }
  if (other > 0 && result.tail.begin + other > directory.offset) {
    refuse(source, "has the signature of an end record within its central directory", rebuild_hint);
  }
  if (directory.entries > limits.max_entries) {
    refuse(source, "has " + std::to_string(directory.entries) + " members; at most " +
                       std::to_string(limits.max_entries) + " are accepted");
  }
  if (directory.size > limits.max_directory_size) {
    refuse(source, "has a central directory of " + count_bytes(directory.size) + "; at most " +
                       std::to_string(limits.max_directory_size) + " are accepted");
  }
  if (directory.size / central_size < directory.entries) {
    refuse(
        source,
        "has a central directory that is too small for its " + std::to_string(directory.entries) + " members",
        rebuild_hint);
  }
  if (directory.offset < result.tail.begin) result.tail = read_tail(source, source.size - directory.offset);
  return result;
}

}  // namespace axle::zip
