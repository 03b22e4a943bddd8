#include "object/elf_strings.h"

#include <algorithm>

namespace axle::object {

using namespace elf;

namespace {

struct Range {
  std::uint64_t begin;
  std::uint64_t end;
  bool has(std::uint64_t value) const noexcept { return value >= begin && value < end; }
};

// The number of dynamic symbols is nowhere written; the hash tables imply it. nullopt: no table tells.
// spec: System V ABI "Hash Table"; the GNU hash table has no text but its code: header (buckets, first
// symbol, bloom words, shift), bloom filter, buckets, then one word per symbol whose lowest bit ends a chain.
std::optional<std::uint64_t> count_symbols(Source& source, const ElfFile& file) {
  const bool big = file.header.big;
  if (const auto address = file.value(dt_hash)) {
    // Alpha and 64-bit s390 have 64-bit words here.
    const bool odd_words =
        file.header.is64 && (file.header.machine == em_s390 || file.header.machine == 0x9026);
    const auto span = file.span(*address);
    if (!span || span->size < 8 || odd_words) return std::nullopt;
    char head[8];
    source.copy(span->offset, head, sizeof head, "hash table");
    return load32(head + 4, big);
  }
  const auto address = file.value(dt_gnu_hash);
  if (!address) return std::nullopt;
  const auto span = file.span(*address);
  if (!span || span->size < 16) return std::nullopt;
  char head[16];
  source.copy(span->offset, head, sizeof head, "hash table");
  const std::uint64_t buckets = load32(head, big);
  const std::uint64_t first_symbol = load32(head + 4, big);
  const std::uint64_t bloom_size = std::uint64_t{load32(head + 8, big)} * (file.header.is64 ? 8 : 4);
  if (16 + bloom_size + buckets * 4 > span->size) return std::nullopt;
  const std::uint64_t buckets_at = span->offset + 16 + bloom_size;
  const std::string table = source.bytes(buckets_at, buckets * 4, "hash table");
  std::uint64_t last = 0;
  for (std::uint64_t i = 0; i < buckets; ++i)
    last = std::max<std::uint64_t>(last, load32(table.data() + i * 4, big));
  if (last < first_symbol) return first_symbol;
  const std::uint64_t chains_at = buckets_at + buckets * 4;
  const std::uint64_t end = span->offset + span->size;
  for (;; ++last) {
    const std::uint64_t at = chains_at + (last - first_symbol) * 4;
    if (at > end || end - at < 4) return std::nullopt;
    char word[4];
    source.copy(at, word, sizeof word, "hash table");
    if ((load32(word, big) & 1) != 0) return last + 1;
  }
}

// Calls body(entry) for each dynamic symbol until it returns true. nullopt when the symbols cannot be told,
// else whether it did.
template <typename Body>
std::optional<bool> any_symbol(Source& source, const ElfFile& file, Body body) {
  const auto address = file.value(dt_symtab);
  if (!address) return false;
  const auto span = file.span(*address);
  const auto count = count_symbols(source, file);
  const std::uint64_t entry_size = file.header.is64 ? 24 : 16;
  if (!span || !count || *count > span->size / entry_size) return std::nullopt;
  constexpr std::uint64_t per_read = 4096;
  std::string chunk;
  for (std::uint64_t i = 0; i < *count; i += per_read) {
    const std::uint64_t entries = std::min(per_read, *count - i);
    chunk = source.bytes(span->offset + i * entry_size, entries * entry_size, "symbols");
    for (std::uint64_t k = 0; k < entries; ++k) {
      if (body(chunk.data() + k * entry_size)) return true;
    }
  }
  return false;
}

bool symbols_refer(Source& source, const ElfFile& file, Range range) {
  const auto found = any_symbol(source, file, [&](const char* entry) {
    return range.has(load32(entry, file.header.big));  // st_name comes first in both classes
  });
  return found.value_or(true);
}

// Version needs and definitions are both lists of lists: the offsets of their fields are all in which they
// differ.
struct VersionShape {
  std::uint64_t table;
  std::uint64_t count;
  std::size_t head_size, head_names, aux_count, aux_at,
      next_at;  // of an entry; head_names: SIZE_MAX for none
  std::size_t aux_size, aux_name, aux_next;
};
constexpr VersionShape needs{dt_verneed, dt_verneednum, 16, 4, 2, 8, 12, 16, 8, 12};
constexpr VersionShape definitions{dt_verdef, dt_verdefnum, 20, SIZE_MAX, 6, 12, 16, 8, 0, 4};

bool versions_refer(Source& source, const ElfFile& file, Range range, const VersionShape& shape) {
  constexpr std::uint64_t max_entries = 65536;
  const auto address = file.value(shape.table);
  if (!address) return false;
  const auto span = file.span(*address);
  if (!span) return true;
  const bool big = file.header.big;
  const std::uint64_t end = span->offset + span->size;
  std::uint64_t budget = max_entries;
  std::uint64_t at = span->offset;
  for (std::uint64_t left = file.value(shape.count).value_or(0); left > 0; --left) {
    char head[20];
    if (at > end || end - at < shape.head_size || budget-- == 0) return true;
    source.copy(at, head, shape.head_size, "versions");
    if (shape.head_names != SIZE_MAX && range.has(load32(head + shape.head_names, big))) return true;
    std::uint64_t aux = at + load32(head + shape.aux_at, big);
    for (std::uint16_t names = load16(head + shape.aux_count, big); names > 0; --names) {
      char entry[16];
      if (aux > end || end - aux < shape.aux_size || budget-- == 0) return true;
      source.copy(aux, entry, shape.aux_size, "versions");
      if (range.has(load32(entry + shape.aux_name, big))) return true;
      const std::uint32_t next = load32(entry + shape.aux_next, big);
      if (next == 0) break;
      aux += next;
    }
    const std::uint32_t next = load32(head + shape.next_at, big);
    if (next == 0) break;
    at += next;
  }
  return false;
}

bool is_string_tag(std::uint64_t tag) {
  constexpr std::uint64_t dt_config = 0x6ffffefa, dt_depaudit = 0x6ffffefb, dt_audit = 0x6ffffefc;
  return tag == dt_needed || tag == dt_soname || tag == dt_rpath || tag == dt_runpath ||
         tag == dt_auxiliary || tag == dt_filter || tag == dt_config || tag == dt_depaudit || tag == dt_audit;
}

}  // namespace

ElfStrings find_elf_strings(const Source& source, const ElfFile& file) {
  const auto address = file.value(dt_strtab);
  if (!address) throw Damage{"the dynamic section has no string table"};
  const auto span = file.span(*address);
  if (!span) throw Damage{"the dynamic string table is not in the file"};
  const std::uint64_t size = file.value(dt_strsz).value_or(span->size);
  if (size > span->size || !source.contains(span->offset, size)) {
    throw Damage{"the dynamic string table is larger than its segment"};
  }
  return {*address, span->offset, size};
}

bool is_string_shared(Source& source, const ElfFile& file, std::uint64_t begin, std::uint64_t end,
                      std::size_t except) {
  const Range range{begin, end};
  for (std::size_t i = 0; i < file.dynamic.size(); ++i) {
    if (i != except && is_string_tag(file.dynamic[i].tag) && range.has(file.dynamic[i].value)) return true;
  }
  return versions_refer(source, file, range, needs) || versions_refer(source, file, range, definitions) ||
         symbols_refer(source, file, range);
}

std::uint64_t largest_symbol(Source& source, const ElfFile& file) {
  std::uint64_t largest = 0;
  const auto done = any_symbol(source, file, [&](const char* entry) {
    largest = std::max(largest, file.header.word(entry + (file.header.is64 ? 16 : 8)));
    return false;
  });
  return done ? largest : 0;
}

}  // namespace axle::object
