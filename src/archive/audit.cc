// The audit of a wheel's zip.
//
// The problem. A zip says everything at least twice: in the central directory at its end, and in a local
// header before each member, sometimes again in a data descriptor behind it; sizes may stand in a ZIP64
// field, names in a Unicode field. The standard does not say which one holds when they differ, and where the
// archive begins and ends is found by searching. So readers differ. A scanner, an index and an installer that
// are given one file may see different members, and whoever made the file may have wanted that
// (CVE-2025-54368, CVE-2025-8291, CVE-2024-0450 and others). A wheel is code that will run: what was looked
// at must be what is installed.
//
// Vocabulary. The *end record* names the number of members and where the *central directory* is; the *ZIP64
// end record* and its *locator* stand before it where numbers are too large. A *central header* describes a
// member; so does the *local header* directly before its data; a *data descriptor* directly behind its data
// does it for writers that could not seek. A field is *saturated* when it is all ones: its value is then in
// ZIP64. The *tail* is the part of the file from the central directory (or from 66 KiB before the end, if
// that is earlier) to the end.
//
// The idea. We do not guess how each reader goes about it. We accept only files in which there is nothing to
// choose:
//
//   1. One end (end_record.cc). The last end record's comment reaches exactly to the end of the file, no
//   other place
//      that looks like an end record does, and the comment is plain text, which cannot hold a signature. A
//      ZIP64 record stands directly before its locator, which stands directly before the end record; each
//      field of the end record is saturated or repeats it. The directory ends where these records begin.
//   2. One list (central.cc, extra.cc). The directory is exactly as many well-formed headers as the end
//   record counts.
//      No extra field occurs twice or gives another name; a ZIP64 field holds exactly what is saturated.
//   3. One set of paths (names.cc). Every name is a RelPath in ASCII or declared UTF-8; none occurs twice,
//   and none
//      lies below a file.
//   4. One cover (local.cc). In the order of their offsets, the members (header, data, descriptor) begin at
//   0, follow
//      each other without gap or overlap, and end where the directory begins; and each local header and
//      descriptor says the same as the central header.
//   5. One second opinion (second_opinion.cc). libzip, another program by other people, lists the same.
//   6. One content (inflate.cc), when a member is read: its deflate stream ends exactly at the end of its
//   packed bytes,
//      after exactly the declared number of bytes, with the declared CRC.
//
// Why it is right. A reader starts from the end or from the begin. From the end it must find the one end
// record (1), hence the one directory, hence the members as listed (2), at offsets where it finds headers
// that agree (4). From the begin it finds a local header at 0 (4) that gives name, method and size, or a
// deflate stream that ends by itself (6) before a descriptor; so it comes to the next member, and after the
// last one to the directory: by induction it sees the same members with the same data in the order of
// offsets. (Stored members whose size only comes behind them have no end of their own: these must not hold
// the descriptor's signature.) As the members cover the file, nothing is left that only some reader would
// notice, and no byte is counted twice, so that sizes add up honestly: together with deflate's largest ratio,
// 1,032, what comes out is bounded by what went in.
//
// A listing does less: 1 to 3, that members do not overlap by their central headers, and 4 and 6 for a member
// that is read. It tells what the directory says, for whoever plans with it; whoever unpacks audits.
//
// Cost. The tail is read at once, local headers in windows of a few KiB; member data is not touched. libzip
// reads from the tail in memory. Memory is that of the tail and the lists, so it is bounded by the limits on
// both.

#include "archive/audit.h"

#include <utility>

#include "archive/central.h"
#include "archive/end_record.h"
#include "archive/local.h"
#include "archive/names.h"
#include "archive/second_opinion.h"

namespace axle::zip {

std::vector<Member> audit(const Source& source, const ArchiveLimits& limits) {
  const End end = read_end(source, limits);
  const std::vector<CentralEntry> entries = parse_central(source, end, limits);
  check_names(source, entries);
  const std::vector<std::uint64_t> data_offsets = check_local_headers(source, entries, end.directory.offset);
  compare_with_libzip(source, end.tail, entries);

  std::vector<Member> members;
  members.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i)
    members.push_back(make_member(entries[i], data_offsets[i]));
  return members;
}

Listing list(const Source& source, const ArchiveLimits& limits) {
  Listing listing;
  listing.end = read_end(source, limits);
  listing.entries = parse_central(source, listing.end, limits);
  check_names(source, listing.entries);
  check_extents(source, listing.entries, listing.end.directory.offset);
  return listing;
}

std::vector<Member> members_of(const Listing& listing) {
  std::vector<Member> members;
  members.reserve(listing.entries.size());
  for (const CentralEntry& entry : listing.entries) members.push_back(make_member(entry, 0));
  return members;
}

std::uint64_t locate(const Source& source, const Listing& listing, std::size_t member) {
  return check_local_header(source, listing.entries, listing.end.directory.offset, member);
}

}  // namespace axle::zip
