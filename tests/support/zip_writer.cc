#include "support/zip_writer.h"

#include <libdeflate.h>

#include <algorithm>
#include <new>

namespace axle::test {
namespace {

std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

constexpr std::uint16_t flag_descriptor = 1U << 3;

// What a correct writer knows about an item.
struct Facts {
  std::string packed;
  std::uint32_t crc32;
  std::uint16_t flags;
  std::uint16_t method;
  std::uint64_t offset = 0;
};

Facts facts_of(const ZipItem& item) {
  const bool ascii = std::all_of(item.name.begin(), item.name.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  Facts facts{item.packed    ? *item.packed
              : item.deflate ? deflated(item.data)
                             : item.data,
              crc32_of(item.data),
              static_cast<std::uint16_t>(item.flags | (item.descriptor ? flag_descriptor : 0) |
                                         (ascii ? 0 : 1U << 11)),
              static_cast<std::uint16_t>(item.deflate ? 8 : 0)};
  return facts;
}

// The fields that both headers have, from the version to the sizes.
std::string common_fields(const ZipHeader& header, const ZipItem& item, const Facts& facts,
                          bool unknown_yet) {
  return le16(header.version.value_or(20)) + le16(header.flags.value_or(facts.flags)) +
         le16(header.method.value_or(facts.method)) + le16(header.time.value_or(0)) +
         le16(header.date.value_or(0x21)) + le32(header.crc32.value_or(unknown_yet ? 0 : facts.crc32)) +
         le32(header.packed_size.value_or(unknown_yet ? 0 : facts.packed.size())) +
         le32(header.size.value_or(unknown_yet ? 0 : item.data.size()));
}

std::string local_header(const ZipItem& item, const Facts& facts) {
  const ZipHeader& header = item.local;
  const std::string name = header.name.value_or(item.name);
  return le32(header.signature.value_or(0x04034b50)) +
         common_fields(header, item, facts, item.descriptor.has_value()) +
         le16(header.name_size.value_or(static_cast<std::uint16_t>(name.size()))) +
         le16(header.extra.size()) + name + header.extra;
}

std::string descriptor_of(const ZipItem& item, const Facts& facts) {
  if (!item.descriptor) return {};
  const ZipDescriptor& descriptor = *item.descriptor;
  const std::uint64_t packed = descriptor.packed_size.value_or(facts.packed.size());
  const std::uint64_t size = descriptor.size.value_or(item.data.size());
  return (descriptor.signature ? le32(0x08074b50) : std::string()) +
         le32(descriptor.crc32.value_or(facts.crc32)) +
         (descriptor.wide ? le64(packed) + le64(size) : le32(packed) + le32(size));
}

std::string central_header(const ZipItem& item, const Facts& facts) {
  const ZipHeader& header = item.central;
  const std::string name = header.name.value_or(item.name);
  const bool directory = name.ends_with('/');
  const std::uint32_t attributes = directory ? 0040755U << 16 | 0x10U : 0100644U << 16;
  return le32(header.signature.value_or(0x02014b50)) + le16(header.made_by.value_or(3 << 8 | 20)) +
         common_fields(header, item, facts, false) +
         le16(header.name_size.value_or(static_cast<std::uint16_t>(name.size()))) +
         le16(header.extra.size()) + le16(header.comment.size()) + le16(header.disk.value_or(0)) + le16(0) +
         le32(header.attributes.value_or(attributes)) +
         le32(header.offset.value_or(static_cast<std::uint32_t>(facts.offset))) + name + header.extra +
         header.comment;
}

}  // namespace

std::string le16(std::uint64_t value) { return little_endian(value, 2); }
std::string le32(std::uint64_t value) { return little_endian(value, 4); }
std::string le64(std::uint64_t value) { return little_endian(value, 8); }

std::string extra_field(std::uint16_t id, std::string_view body) {
  return le16(id) + le16(body.size()) + std::string(body);
}

std::uint32_t crc32_of(std::string_view data) { return libdeflate_crc32(0, data.data(), data.size()); }

std::string deflated(std::string_view data) {
  libdeflate_compressor* const compressor = libdeflate_alloc_compressor(6);
  if (compressor == nullptr) throw std::bad_alloc();
  std::string packed(libdeflate_deflate_compress_bound(compressor, data.size()), '\0');
  packed.resize(
      libdeflate_deflate_compress(compressor, data.data(), data.size(), packed.data(), packed.size()));
  libdeflate_free_compressor(compressor);
  return packed;
}

std::string Zip::bytes() const {
  std::string file = prefix;
  std::vector<Facts> facts;
  for (const ZipItem& item : items) {
    facts.push_back(facts_of(item));
    if (item.shares_local_of) {
      facts.back().offset = facts.at(*item.shares_local_of).offset;
      continue;
    }
    file += item.gap;
    facts.back().offset = file.size();
    if (item.without_local) continue;
    file += local_header(item, facts.back()) + facts.back().packed + descriptor_of(item, facts.back());
  }
  file += before_directory;

  const std::uint64_t offset = file.size();
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].without_central) continue;
    file += central_header(items[i], facts[i]);
    ++count;
  }
  const std::uint64_t size = file.size() - offset;
  file += after_directory;

  const bool saturate = zip64 && zip64->saturate;
  if (zip64) {
    const std::uint64_t record = file.size();
    if (!zip64->without_record) {
      const std::uint64_t entries64 = zip64->entries.value_or(count);
      file += le32(0x06064b50) + le64(zip64->record_size.value_or(44 + zip64->extensible.size())) + le16(45) +
              le16(45) + le32(0) + le32(0) + le64(entries64) + le64(entries64) +
              le64(zip64->size.value_or(size)) + le64(zip64->offset.value_or(offset)) + zip64->extensible;
    }
    file += le32(0x07064b50) + le32(0) + le64(zip64->record_offset.value_or(record)) + le32(1);
  }
  const auto entries16 = static_cast<std::uint16_t>(saturate ? 0xffff : count);
  return file + le32(0x06054b50) + le16(disk.value_or(0)) + le16(0) + le16(disk_entries.value_or(entries16)) +
         le16(entries.value_or(entries16)) +
         le32(directory_size.value_or(static_cast<std::uint32_t>(saturate ? 0xffffffff : size))) +
         le32(directory_offset.value_or(static_cast<std::uint32_t>(saturate ? 0xffffffff : offset))) +
         le16(comment_size.value_or(static_cast<std::uint16_t>(comment.size()))) + comment + suffix;
}

Zip zip_of(const std::vector<std::pair<std::string, std::string>>& files) {
  Zip zip;
  for (const auto& [name, data] : files) {
    ZipItem item;
    item.name = name;
    item.data = data;
    item.deflate = !name.ends_with('/');
    zip.items.push_back(std::move(item));
  }
  return zip;
}

}  // namespace axle::test
