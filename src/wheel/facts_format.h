#pragma once
// The facts file, byte by byte: a header with a table of sections, then the sections, each at a multiple
// of 8. Numbers are little-endian, records are the structs below as they lie in memory. docs/store-format.md
// says the same in words.

#include <bit>
#include <cstdint>
#include <type_traits>

#include "axle/base/digest.h"
#include "axle/wheel/facts.h"

namespace axle {

static_assert(std::endian::native == std::endian::little, "the facts file is mapped as it is");

// Raised with every change of the format or of what a field means; a file of another version is made anew.
inline constexpr std::uint32_t facts_version = 2;
inline constexpr char facts_magic[8] = {'a', 'x', 'l', 'e', 'f', 'a', 'c', 't'};

enum FactsSection : unsigned {
  section_text,  // all texts, without separators
  section_head,  // one FactsHead
  section_dirs,
  section_files,
  section_record_part,   // bytes
  section_entry_points,  // EntryRecord
  section_startup,       // StartupRecord
  section_inits,         // InitFact
  section_objects,       // ObjectRecord
  section_object_data,   // bytes
  section_faults,        // FaultRecord
  // Lists of TextRef.
  section_import_roots,
  section_requires_dist,
  section_provides_extra,
  section_license_classifiers,
  section_license_files,
  section_import_names,
  section_import_namespaces,
  section_project_urls,
  section_tags,
  section_warnings,
  facts_section_count
};

struct FactsRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct FactsHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t section_count;
  std::uint64_t total_size;
  FactsRange sections[facts_section_count];
};

inline constexpr std::uint32_t no_dir = 0xffffffff;

struct FactsHead {
  Sha256 wheel_sha256;
  Sha256 store_id;
  std::uint64_t archive_size = 0;
  TextRef file_name;
  TextRef name;
  TextRef normalized;
  TextRef version;
  TextRef requires_python;
  TextRef summary;
  TextRef license;
  TextRef license_expression;
  TextRef author;
  TextRef dist_info;
  TextRef byte_code;
  std::uint32_t roots[5] = {no_dir, no_dir, no_dir, no_dir, no_dir};  // by Scheme
  std::uint8_t root_is_purelib = 0;
  std::uint8_t has_requires_python = 0;
  std::uint8_t reserved[2] = {};
};

struct EntryRecord {
  TextRef group, name, value;
};
struct StartupRecord {
  std::uint32_t file = 0;
  std::uint32_t truncated = 0;
  TextRef text;
};
struct ObjectRecord {
  std::uint32_t file = 0;
  std::uint32_t size = 0;    // bytes in section_object_data
  std::uint64_t offset = 0;  // there
};
struct FaultRecord {
  TextRef path, what;
};

// What is written as it lies in memory has no padding, whose bytes nobody would set.
static_assert(sizeof(DirFact) == 72 && std::is_trivially_copyable_v<DirFact>);
static_assert(sizeof(FileFact) == 64 && std::is_trivially_copyable_v<FileFact>);
static_assert(sizeof(InitFact) == 40 && std::is_trivially_copyable_v<InitFact>);
static_assert(sizeof(FactsHead) == 184 && std::is_trivially_copyable_v<FactsHead>);
static_assert(sizeof(FactsHeader) == 24 + 16 * facts_section_count);

inline constexpr std::size_t max_startup_text = 64 << 10;

// ObjectFacts as bytes, and back; decoding throws Error(bad_input).
std::string encode_object(const ObjectFacts& facts);
ObjectFacts decode_object(std::string_view bytes);

}  // namespace axle
