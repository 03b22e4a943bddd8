#include "object/macho_signature.h"

#include <algorithm>
#include <set>

#include "axle/base/digest.h"
#include "axle/base/error.h"

namespace axle::object {

namespace {

constexpr std::uint32_t super_blob_magic = 0xfade0cc0, directory_magic = 0xfade0c02;
constexpr std::uint32_t slot_directory = 0, slot_alternates = 0x1000, slot_alternates_end = 0x1005,
                        slot_cms = 0x10000;

[[noreturn]] void refuse(std::string reason) { throw Error(ErrorCode::unsupported, std::move(reason)); }

// The bytes of [begin, end) in the file as they will be.
std::string edited_bytes(Source& source, std::uint64_t begin, std::uint64_t end,
                         const std::vector<BytePatch>& edits) {
  std::string bytes = source.bytes(begin, end - begin, "signed page");
  for (const BytePatch& patch : edits) {
    const std::uint64_t from = std::max(begin, patch.offset);
    const std::uint64_t to = std::min<std::uint64_t>(end, patch.offset + patch.bytes.size());
    if (from >= to) continue;
    bytes.replace(static_cast<std::size_t>(from - begin), static_cast<std::size_t>(to - from), patch.bytes,
                  static_cast<std::size_t>(from - patch.offset), static_cast<std::size_t>(to - from));
  }
  return bytes;
}

// `at` is the place of the directory in the file, `room` the bytes that its signature has from there.
void hash_again(Source& source, const MachoSlice& slice, std::uint64_t at, std::uint64_t room,
                const std::vector<BytePatch>& edits, std::vector<BytePatch>& patches) {
  constexpr std::size_t fixed = 44;
  if (room < fixed) throw Damage{"a code directory cut short"};
  const std::string head = source.bytes(at, fixed, "code directory");
  const auto word = [&](std::size_t field) { return load32(head.data() + field, true); };
  if (word(0) != directory_magic) throw Damage{"a code directory without its magic"};
  const std::uint64_t hash_offset = word(16), slots = word(28), code_limit = word(32);
  const auto hash_size = static_cast<std::uint8_t>(head[36]);
  const auto hash_type = static_cast<std::uint8_t>(head[37]);
  const auto page_bits = static_cast<std::uint8_t>(head[39]);
  constexpr std::uint8_t sha256 = 2, sha256_truncated = 3;
  if (!(hash_type == sha256 && hash_size == 32) && !(hash_type == sha256_truncated && hash_size == 20)) {
    refuse("its signature uses hashes other than SHA-256");
  }
  if (page_bits < 12 || page_bits > 16) refuse("its signature has pages of an unusual size");
  if (hash_offset > room || slots * hash_size > room - hash_offset || code_limit > slice.size) {
    throw Damage{"code hashes outside of their signature"};
  }
  const std::uint64_t page = std::uint64_t{1} << page_bits;
  std::set<std::uint64_t> dirty;
  for (const BytePatch& patch : edits) {
    if (patch.bytes.empty()) continue;
    const std::uint64_t first = patch.offset - slice.offset;
    for (std::uint64_t i = first / page; i <= (first + patch.bytes.size() - 1) / page; ++i) dirty.insert(i);
  }
  for (const std::uint64_t number : dirty) {
    const std::uint64_t begin = number * page;
    const std::uint64_t end = std::min(begin + page, code_limit);
    if (begin >= end || number >= slots) throw Damage{"the signature does not cover the load commands"};
    const Sha256 digest = Sha256::of(edited_bytes(source, slice.offset + begin, slice.offset + end, edits));
    patches.push_back({at + hash_offset + number * hash_size,
                       std::string(reinterpret_cast<const char*>(digest.bytes.data()), hash_size)});
  }
}

}  // namespace

std::vector<BytePatch> sign_again(Source& source, const MachoSlice& slice, const MachoImage& image,
                                  const std::vector<BytePatch>& edits) {
  std::vector<BytePatch> patches;
  const auto command = std::find_if(image.list.begin(), image.list.end(), [](const MachoCommand& each) {
    return each.kind == macho::lc_code_signature;
  });
  if (command == image.list.end() || edits.empty()) return patches;
  if (command->size < 16) throw Damage{"a signature command cut short"};
  const std::uint64_t offset = image.word(command->at + 8), size = image.word(command->at + 12);
  if (offset > slice.size || size > slice.size - offset || size < 12)
    throw Damage{"a signature outside of its slice"};
  const std::uint64_t at = slice.offset + offset;
  const std::string head = source.bytes(at, 12, "signature");
  if (load32(head.data(), true) != super_blob_magic) throw Damage{"a signature without its magic"};
  const std::uint32_t count = load32(head.data() + 8, true);
  constexpr std::uint32_t max_blobs = 64;
  if (count > max_blobs || 12 + std::uint64_t{count} * 8 > size)
    throw Damage{"a signature of an impossible size"};
  const std::string index = source.bytes(at + 12, std::uint64_t{count} * 8, "signature");
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t kind = load32(index.data() + i * 8, true);
    const std::uint64_t blob = load32(index.data() + i * 8 + 4, true);
    if (blob > size || size - blob < 8) throw Damage{"a part of the signature outside of it"};
    if (kind == slot_cms) {
      const std::string wrapper = source.bytes(at + blob, 8, "signature");
      if (load32(wrapper.data() + 4, true) > 8)
        refuse("it is signed by its vendor, and an edit would void that");
    }
    if (kind == slot_directory || (kind >= slot_alternates && kind < slot_alternates_end)) {
      hash_again(source, slice, at + blob, size - blob, edits, patches);
    }
  }
  return patches;
}

}  // namespace axle::object
