#include "object/pe_read.h"

#include <algorithm>

namespace axle::object {

namespace {

constexpr std::uint16_t dll_characteristic = 0x2000;
constexpr std::size_t max_libraries = 4096;

struct Section {
  std::uint32_t address = 0;
  std::uint32_t raw_offset = 0;
  std::uint32_t raw_size = 0;
};

struct Directory {
  std::uint32_t address = 0;
  std::uint32_t size = 0;
};

struct Image {
  std::vector<Section> sections;
  std::uint32_t headers_size = 0;  // the headers are mapped at address 0
  std::vector<Directory> directories;
};

// The place in the file of a relative virtual address, and where its section's bytes end.
struct Spot {
  std::uint64_t offset = 0;
  std::uint64_t limit = 0;
};

Spot find_spot(const Image& image, std::uint32_t address, std::string_view what) {
  for (const Section& section : image.sections) {
    if (address >= section.address && address - section.address < section.raw_size) {
      return {std::uint64_t{section.raw_offset} + (address - section.address),
              std::uint64_t{section.raw_offset} + section.raw_size};
    }
  }
  if (address < image.headers_size) return {address, image.headers_size};
  throw Damage{std::string(what) + " outside of all sections"};
}

std::string name_at(Source& source, const Image& image, std::uint32_t address, std::string_view what) {
  const Spot spot = find_spot(image, address, what);
  return source.c_string(spot.offset, spot.limit, what);
}

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case 0x14c:
      return "i686";
    case 0x8664:
      return "x86_64";
    case 0xaa64:
      return "arm64";
    case 0xa641:
      return "arm64ec";
    case 0x1c0:
    case 0x1c4:
      return "arm";
    default:
      return "machine-" + std::to_string(machine);
  }
}

// Import and delay-import directories: an array of descriptors that ends with an empty one. `entry_size` and
// `name_field` are all in which they differ here.
struct ImportShape {
  std::size_t entry_size;
  std::size_t name_field;
};

void read_imports(Source& source, const Image& image, std::size_t directory, ImportShape shape,
                  std::vector<std::string>& into) {
  if (directory >= image.directories.size() || image.directories[directory].address == 0) return;
  const Spot table = find_spot(image, image.directories[directory].address, "the import table");
  for (std::size_t i = 0;; ++i) {
    if (i == max_libraries) throw Damage{"more imported libraries than an object can have"};
    char entry[32];
    const std::uint64_t at = table.offset + i * shape.entry_size;
    if (at > table.limit || table.limit - at < shape.entry_size)
      throw Damage{"the import table does not end"};
    source.copy(at, entry, shape.entry_size, "the import table");
    const std::uint32_t name = load32(entry + shape.name_field, false);
    if (name == 0) return;
    std::string library = name_at(source, image, name, "the name of an imported library");
    if (std::find(into.begin(), into.end(), library) == into.end()) into.push_back(std::move(library));
  }
}

}  // namespace

bool read_pe(Source& source, ObjectFacts& facts) {
  constexpr std::size_t coff_size = 24;  // the signature included
  if (!source.contains(0, 64)) return false;
  char dos[64];
  source.copy(0, dos, sizeof dos, "DOS header");
  const std::uint64_t header = load32(dos + 60, false);
  if (!source.contains(header, coff_size)) return false;
  char coff[coff_size];
  source.copy(header, coff, sizeof coff, "PE header");
  if (std::string_view(coff, 4) != std::string_view("PE\0\0", 4)) return false;

  facts.format = ObjectFacts::Format::pe;
  facts.machine = machine_name(load16(coff + 4, false));
  const std::uint16_t section_count = load16(coff + 6, false);
  const std::uint16_t optional_size = load16(coff + 20, false);
  facts.kind = (load16(coff + 22, false) & dll_characteristic) != 0 ? ObjectFacts::Kind::shared_library
                                                                    : ObjectFacts::Kind::executable;
  const std::string optional = source.bytes(header + coff_size, optional_size, "PE optional header");
  const std::uint16_t magic = optional.size() >= 2 ? load16(optional.data(), false) : 0;
  if (magic != 0x10b && magic != 0x20b) throw Damage{"PE optional header of an unknown kind"};
  facts.bits = magic == 0x20b ? 64 : 32;
  const std::size_t fixed = magic == 0x20b ? 112 : 96;
  if (optional.size() < fixed) throw Damage{"PE optional header cut short"};
  Image image;
  image.headers_size = load32(optional.data() + 60, false);
  const std::size_t count =
      std::min<std::size_t>(load32(optional.data() + fixed - 4, false), (optional.size() - fixed) / 8);
  for (std::size_t i = 0; i < count; ++i) {
    const char* at = optional.data() + fixed + i * 8;
    image.directories.push_back({load32(at, false), load32(at + 4, false)});
  }
  const std::string sections = source.bytes(header + coff_size + optional_size,
                                            std::uint64_t{section_count} * 40, "PE section headers");
  for (std::size_t i = 0; i < section_count; ++i) {
    const char* at = sections.data() + i * 40;
    image.sections.push_back({load32(at + 12, false), load32(at + 20, false), load32(at + 16, false)});
  }
  if (!image.directories.empty() && image.directories[0].address != 0) {
    const Spot exports = find_spot(image, image.directories[0].address, "the export table");
    char entry[16];
    source.copy(exports.offset, entry, sizeof entry, "the export table");
    const std::uint32_t name = load32(entry + 12, false);
    if (name != 0) facts.soname = name_at(source, image, name, "the name in the export table");
  }
  constexpr std::size_t import_directory = 1, delay_directory = 13;
  read_imports(source, image, import_directory, {20, 12}, facts.needed);
  read_imports(source, image, delay_directory, {32, 4}, facts.delay_needed);
  return true;
}

}  // namespace axle::object
