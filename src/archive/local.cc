#include "archive/local.h"

#include <algorithm>
#include <numeric>

#include "archive/extra.h"
#include "axle/base/error.h"
#include "base/text.h"

namespace axle::zip {
namespace {

// A local header is read together with those after it while the data between two of them is smaller than
// this: copying so much costs about what a system call does.
constexpr std::uint64_t worthwhile_gap = 4U << 10;
constexpr std::uint64_t max_window = 64U << 10;
// More extra fields than this in a local header cost a second read.
constexpr std::uint64_t likely_extra = 64;
constexpr std::size_t narrow_descriptor = 16;
constexpr std::size_t wide_descriptor = 24;

// A part of the file in memory, which only moves forward.
class Window {
 public:
  explicit Window(const Source& source) : source_(source) {}

  // `size` bytes at `offset`, which lie within the file; what is read on that occasion reaches to `until` at
  // least, where the file does. The view lives until the next call.
  std::string_view at(std::uint64_t offset, std::uint64_t size, std::uint64_t until) {
    if (offset < begin_ || offset + size > begin_ + bytes_.size()) {
      const std::uint64_t end = std::min(std::max(until, offset + size), source_.size);
      bytes_.resize(static_cast<std::size_t>(end - offset));
      begin_ = offset;
      source_.read(bytes_.data(), bytes_.size(), offset);
    }
    return std::string_view(bytes_).substr(static_cast<std::size_t>(offset - begin_),
                                           static_cast<std::size_t>(size));
  }

 private:
  const Source& source_;
  std::uint64_t begin_ = 0;
  std::string bytes_;
};

class LocalPass {
 public:
  LocalPass(const Source& source, const std::vector<CentralEntry>& entries, std::uint64_t directory_offset)
      : source_(source), entries_(entries), end_(directory_offset), window_(source), order_(entries.size()) {
    std::iota(order_.begin(), order_.end(), std::uint32_t{0});
    const auto earlier = [&](std::uint32_t a, std::uint32_t b) {
      return entries_[a].local_offset < entries_[b].local_offset;
    };
    if (!std::is_sorted(order_.begin(), order_.end(), earlier))
      std::sort(order_.begin(), order_.end(), earlier);
  }

  std::vector<std::uint64_t> run() {
    std::vector<std::uint64_t> data_offsets(entries_.size());
    check_begin();
    for (std::size_t i = 0; i < order_.size(); ++i) data_offsets[order_[i]] = check(i);
    return data_offsets;
  }

  void extents() const {
    check_begin();
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const CentralEntry& entry = entries_[order_[i]];
      check_room(entry, next_offset(i + 1), entry.packed_size);
      check_supported(entry, entry.encrypted);
    }
  }

  std::uint64_t run_for(std::size_t entry) {
    const auto at = std::find(order_.begin(), order_.end(), static_cast<std::uint32_t>(entry));
    return check(static_cast<std::size_t>(at - order_.begin()));
  }

 private:
  // Where the i-th member in the order of the file begins, or the central directory after the last.
  std::uint64_t next_offset(std::size_t i) const {
    return i < order_.size() ? entries_[order_[i]].local_offset : end_;
  }

  void check_begin() const {
    if (next_offset(0) != 0)
      refuse(source_, "does not begin with its first member: " + where(next_offset(0)));
  }

  // That the header and `data` bytes fit in before `next`.
  void check_room(const CentralEntry& entry, std::uint64_t next, std::uint64_t data) const {
    const std::uint64_t header = local_size + entry.raw_name.size();
    if (next < entry.local_offset || next - entry.local_offset < header ||
        next - entry.local_offset - header < data) {
      fail(entry, "overlaps what comes after it");
    }
  }

  static std::string where(std::uint64_t offset) { return "offset " + std::to_string(offset); }

  [[noreturn]] void fail(const CentralEntry& entry, const std::string& message) const {
    refuse_member(source_, entry.raw_name, message);
  }

  // How far it pays to read, when the i-th header is needed from `offset` on.
  std::uint64_t read_until(std::size_t i, std::uint64_t offset) const {
    std::uint64_t until = offset;
    for (; i < order_.size(); ++i) {
      const CentralEntry& entry = entries_[order_[i]];
      if (entry.local_offset > until + worthwhile_gap || until - offset > max_window) break;
      until = std::max(until, entry.local_offset + local_size + entry.raw_name.size() + likely_extra);
    }
    return until;
  }

  // Checks the i-th member in the order of the file; returns where its data begins.
  std::uint64_t check(std::size_t i) {
    const CentralEntry& entry = entries_[order_[i]];
    const std::uint64_t begin = entry.local_offset;
    const std::uint64_t next = next_offset(i + 1);
    const std::uint64_t name_size = entry.raw_name.size();
    check_room(entry, next, 0);
    const std::uint64_t until = read_until(i, begin);
    std::string_view header = window_.at(begin, local_size + name_size, until);
    if (le32(header, 0) != local_signature) fail(entry, "has no local header at " + where(begin));
    const std::uint64_t extra_size = le16(header, 28);
    const std::uint64_t data = begin + local_size + name_size + extra_size;
    if (le16(header, 26) != name_size || header.substr(local_size) != entry.raw_name) {
      fail(entry, "its local header gives it another name");
    }
    if (data > next || entry.packed_size > next - data) fail(entry, "overlaps what comes after it");
    if (extra_size > 0) header = window_.at(begin, data - begin, until);
    const ExtraFields extra = parse_extra(source_, entry.raw_name, HeaderKind::local,
                                          header.substr(static_cast<std::size_t>(local_size + name_size)));
    compare(entry, header, extra);
    const std::uint64_t after = next - data - entry.packed_size;
    if ((entry.flags & flag_descriptor) != 0) {
      check_descriptor(i, extra, next - after, after);
      if (entry.method == method_stored && le32(header, 18) == 0) check_unmarked_end(entry, data);
    } else if (after != 0) {
      fail(entry, "is followed by " + count_bytes(after) + " that belong to no member");
    }
    check_supported(entry, entry.encrypted || extra.encrypted);
    return data;
  }

  void compare(const CentralEntry& entry, std::string_view header, const ExtraFields& extra) const {
    const std::uint16_t version = le16(header, 4);
    constexpr std::uint16_t zip64_version = 45;  // only the header that has a ZIP64 field needs it
    if (version != entry.version_needed && version != zip64_version &&
        entry.version_needed != zip64_version) {
      disagree(entry, "version needed", version, entry.version_needed);
    }
    if (le16(header, 6) != entry.flags) disagree(entry, "flags", le16(header, 6), entry.flags);
    if (le16(header, 8) != entry.method) disagree(entry, "method", le16(header, 8), entry.method);
    // With a data descriptor, the local header was written before these were known.
    const bool later = (entry.flags & flag_descriptor) != 0;
    const auto agrees = [&](std::uint64_t local, std::uint64_t central) {
      return local == central || (later && local == 0);
    };
    if (!agrees(le32(header, 14), entry.crc32)) disagree(entry, "CRC", le32(header, 14), entry.crc32);
    const std::uint32_t packed = le32(header, 18);
    const std::uint32_t size = le32(header, 22);
    if (extra.zip64) {
      // spec: APPNOTE 4.5.3: in a local header both sizes. CPython before 3.12 leaves the narrow fields
      // filled in where it only expected a large member.
      if (extra.zip64->size() != 16)
        fail(entry, "its local header has a ZIP64 extra field of the wrong length");
      const std::uint64_t wide_size = le64(*extra.zip64, 0);
      const std::uint64_t wide_packed = le64(*extra.zip64, 8);
      if (!agrees(wide_size, entry.size)) disagree(entry, "size", wide_size, entry.size);
      if (!agrees(wide_packed, entry.packed_size))
        disagree(entry, "packed size", wide_packed, entry.packed_size);
      if (size != saturated32 && size != wide_size) disagree(entry, "size", size, entry.size);
      if (packed != saturated32 && packed != wide_packed)
        disagree(entry, "packed size", packed, entry.packed_size);
    } else {
      if (!agrees(size, entry.size)) disagree(entry, "size", size, entry.size);
      if (!agrees(packed, entry.packed_size)) disagree(entry, "packed size", packed, entry.packed_size);
    }
  }

  [[noreturn]] void disagree(const CentralEntry& entry, const char* what, std::uint64_t local,
                             std::uint64_t central) const {
    fail(entry, std::string("its headers disagree about its ") + what + ": local " + std::to_string(local) +
                    ", central " + std::to_string(central));
  }

  // `size` bytes at `offset` are what lies between the i-th member's data and what comes next.
  void check_descriptor(std::size_t i, const ExtraFields& extra, std::uint64_t offset, std::uint64_t size) {
    const CentralEntry& entry = entries_[order_[i]];
    const bool may_be_wide = extra.zip64 || entry.zip64;
    if (size != (extra.zip64 ? wide_descriptor : narrow_descriptor) &&
        !(size == wide_descriptor && may_be_wide)) {
      fail(entry, "is followed by " + count_bytes(size) + " where its data descriptor should be");
    }
    const std::string_view descriptor = window_.at(offset, size, read_until(i + 1, offset + size));
    if (le32(descriptor, 0) != descriptor_signature) fail(entry, "has a data descriptor without signature");
    const bool wide = size == wide_descriptor;
    const std::uint64_t packed = wide ? le64(descriptor, 8) : le32(descriptor, 8);
    const std::uint64_t plain = wide ? le64(descriptor, 16) : le32(descriptor, 12);
    if (le32(descriptor, 4) != entry.crc32 || packed != entry.packed_size || plain != entry.size) {
      fail(entry, "its data descriptor disagrees with its central header");
    }
  }

  // Stored data of a size that only comes after it: a reader that goes forward looks for the descriptor's
  // signature.
  void check_unmarked_end(const CentralEntry& entry, std::uint64_t data) const {
    constexpr std::string_view mark("PK\7\10", 4);
    constexpr std::uint64_t piece = 64U << 10;
    std::string bytes;
    for (std::uint64_t done = 0; done + mark.size() <= entry.packed_size; done += piece) {
      bytes.resize(static_cast<std::size_t>(std::min(entry.packed_size - done, piece + mark.size() - 1)));
      source_.read(bytes.data(), bytes.size(), data + done);
      if (bytes.find(mark) != std::string::npos) {
        fail(entry, "holds the signature of a data descriptor, before its own one");
      }
    }
  }

  void check_supported(const CentralEntry& entry, bool encrypted) const {
    const auto unsupported = [&](const std::string& what, const char* hint) {
      throw Error(ErrorCode::unsupported, Place{source_.name},
                  "member " + quoted(entry.raw_name) + ": " + what, hint);
    };
    if (encrypted) unsupported("is encrypted", "rebuild the wheel without a password");
    if (entry.method != method_stored && entry.method != method_deflate) {
      unsupported("is packed by method " + method_name(entry.method),
                  "wheels may use stored and deflate only; rebuild it");
    }
  }

  static std::string method_name(std::uint16_t method) {
    switch (method) {
      case 9:
        return "9 (deflate64)";
      case 12:
        return "12 (bzip2)";
      case 14:
        return "14 (lzma)";
      case 93:
        return "93 (zstd)";
      case 95:
        return "95 (xz)";
      default:
        return std::to_string(method);
    }
  }

  const Source& source_;
  const std::vector<CentralEntry>& entries_;
  std::uint64_t end_;
  Window window_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

std::vector<std::uint64_t> check_local_headers(const Source& source, const std::vector<CentralEntry>& entries,
                                               std::uint64_t directory_offset) {
  return LocalPass(source, entries, directory_offset).run();
}

void check_extents(const Source& source, const std::vector<CentralEntry>& entries,
                   std::uint64_t directory_offset) {
  LocalPass(source, entries, directory_offset).extents();
}

std::uint64_t check_local_header(const Source& source, const std::vector<CentralEntry>& entries,
                                 std::uint64_t directory_offset, std::size_t entry) {
  return LocalPass(source, entries, directory_offset).run_for(entry);
}

}  // namespace axle::zip
