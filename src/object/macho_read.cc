#include "object/macho_read.h"

#include <algorithm>

namespace axle::object {

using namespace macho;

namespace {

constexpr std::uint32_t fat_magic = 0xcafebabe, fat_magic_64 = 0xcafebabf;
constexpr std::uint32_t magic_32 = 0xfeedface, magic_64 = 0xfeedfacf;
// Java classes share fat_magic; the word after it is their version, 45 and more in its low half, where a fat
// file has its count.
constexpr std::uint32_t max_slices = 40;

std::string machine_name(std::uint32_t cpu, std::uint32_t subtype) {
  switch (cpu) {
    case 0x01000007:
      return "x86_64";
    case 0x0100000c:
      return (subtype & 0xff) == 2 ? "arm64e" : "arm64";
    case 0x0200000c:
      return "arm64_32";
    case 7:
      return "i386";
    case 12:
      return "arm";
    case 18:
      return "ppc";
    case 0x01000012:
      return "ppc64";
    default:
      return "machine-" + std::to_string(cpu);
  }
}

void add_new(std::vector<std::string>& list, std::string name) {
  if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(std::move(name));
}

std::string version_text(std::uint32_t version) {  // xxxx.yy.zz in nibbles
  std::string text = std::to_string(version >> 16) + '.' + std::to_string((version >> 8) & 0xff);
  if ((version & 0xff) != 0) text += '.' + std::to_string(version & 0xff);
  return text;
}

ObjectFacts::Kind kind_of(std::uint32_t filetype) {
  switch (filetype) {
    case 2:  // MH_EXECUTE
      return ObjectFacts::Kind::executable;
    case 6:  // MH_DYLIB
    case 8:  // MH_BUNDLE
      return ObjectFacts::Kind::shared_library;
    default:
      return ObjectFacts::Kind::other;
  }
}

void add_commands(const MachoImage& image, ObjectFacts& facts) {
  constexpr std::size_t max_names = 2048;
  for (const MachoCommand& command : image.list) {
    if (facts.needed.size() + facts.rpaths.size() > max_names)
      throw Damage{"more libraries than an object can have"};
    switch (command.kind) {
      case lc_load_dylib:
      case lc_reexport_dylib:
      case lc_load_upward_dylib:
        add_new(facts.needed, image.text(command, 8, "the name of a needed library"));
        break;
      case lc_load_weak_dylib:
        add_new(facts.weak_needed, image.text(command, 8, "the name of a weak library"));
        break;
      case lc_lazy_load_dylib:
        add_new(facts.delay_needed, image.text(command, 8, "the name of a lazy library"));
        break;
      case lc_id_dylib:
        if (facts.soname.empty()) facts.soname = image.text(command, 8, "the install name");
        break;
      case lc_rpath:
        add_new(facts.rpaths, image.text(command, 8, "an rpath"));
        break;
      case lc_version_min_macosx:
        if (command.size >= 16 && facts.minimum_os.empty())
          facts.minimum_os = version_text(image.word(command.at + 8));
        break;
      case lc_build_version:
        if (command.size >= 24 && facts.minimum_os.empty()) {
          facts.minimum_os = version_text(image.word(command.at + 12));
        }
        break;
      default:
        break;
    }
  }
}

}  // namespace

bool is_macho(std::string_view first) noexcept {
  if (first.size() < 8) return false;
  const std::uint32_t magic = load32(first.data(), true);
  const std::uint32_t count = load32(first.data() + 4, true);
  if (magic == fat_magic || magic == fat_magic_64) return count > 0 && count <= max_slices;
  const std::uint32_t other = load32(first.data(), false);
  return magic == magic_32 || magic == magic_64 || other == magic_32 || other == magic_64;
}

std::vector<MachoSlice> read_macho_slices(Source& source) {
  char head[8];
  source.copy(0, head, sizeof head, "Mach-O header");
  const std::uint32_t magic = load32(head, true);
  if (magic != fat_magic && magic != fat_magic_64) return {MachoSlice{0, source.size()}};
  const std::uint32_t count = load32(head + 4, true);
  if (count == 0 || count > max_slices) throw Damage{"a fat file with an impossible number of slices"};
  const std::size_t entry_size = magic == fat_magic_64 ? 32 : 20;
  const std::string table = source.bytes(8, count * entry_size, "fat header");
  std::vector<MachoSlice> slices;
  for (std::uint32_t i = 0; i < count; ++i) {
    const char* at = table.data() + i * entry_size + 8;
    const MachoSlice slice = magic == fat_magic_64 ? MachoSlice{load64(at, true), load64(at + 8, true)}
                                                   : MachoSlice{load32(at, true), load32(at + 4, true)};
    if (!source.contains(slice.offset, slice.size)) throw Damage{"a slice lies beyond the end of the file"};
    for (const MachoSlice& before : slices) {
      if (slice.offset < before.offset + before.size && before.offset < slice.offset + slice.size) {
        throw Damage{"slices overlap"};
      }
    }
    slices.push_back(slice);
  }
  return slices;
}

std::string MachoImage::text(const MachoCommand& command, std::uint32_t field, std::string_view what) const {
  if (command.size < field + 4) throw Damage{std::string(what) + " is missing"};
  const std::uint32_t start = word(command.at + field);
  if (start < field + 4 || start >= command.size)
    throw Damage{std::string(what) + " outside of its load command"};
  const std::string_view room = std::string_view(commands).substr(command.at + start, command.size - start);
  // Tools disagree on whether the last byte must be NUL; a name that fills its command ends with it.
  return std::string(room.substr(0, room.find('\0')));
}

MachoImage read_macho_image(Source& source, const MachoSlice& slice) {
  constexpr std::uint32_t max_commands_size = 4U << 20;
  constexpr std::uint32_t max_commands = 16384;
  char head[32];
  if (slice.size < sizeof head) throw Damage{"Mach-O header beyond the end of its slice"};
  source.copy(slice.offset, head, sizeof head, "Mach-O header");
  MachoImage image;
  MachoHeader& header = image.header;
  header.big = load32(head, true) == magic_32 || load32(head, true) == magic_64;
  const std::uint32_t magic = load32(head, header.big);
  if (magic != magic_32 && magic != magic_64) throw Damage{"a slice is no Mach-O image"};
  header.is64 = magic == magic_64;
  header.cpu = load32(head + 4, header.big);
  header.subtype = load32(head + 8, header.big);
  header.filetype = load32(head + 12, header.big);
  header.command_count = load32(head + 16, header.big);
  header.commands_size = load32(head + 20, header.big);
  if (header.commands_size > max_commands_size || header.command_count > max_commands ||
      header.commands_size > slice.size - header.size()) {
    throw Damage{"load commands beyond the end of the file"};
  }
  image.commands = source.bytes(slice.offset + header.size(), header.commands_size, "load commands");
  std::uint32_t at = 0;
  for (std::uint32_t i = 0; i < header.command_count; ++i) {
    if (header.commands_size - at < 8) throw Damage{"fewer load commands than their count"};
    const MachoCommand command{image.word(at), at, image.word(at + 4)};
    if (command.size < 8 || command.size > header.commands_size - at || command.size % 4 != 0) {
      throw Damage{"a load command of an impossible size"};
    }
    image.list.push_back(command);
    at += command.size;
  }
  return image;
}

void read_macho(Source& source, ObjectFacts& facts) {
  facts.format = ObjectFacts::Format::macho;
  const std::vector<MachoSlice> slices = read_macho_slices(source);
  for (const MachoSlice& slice : slices) {
    const MachoImage image = read_macho_image(source, slice);
    const MachoHeader& header = image.header;
    std::string machine = machine_name(header.cpu, header.subtype);
    if (facts.machine.empty()) {
      facts.machine = machine;
      facts.bits = header.is64 ? 64 : 32;
      facts.big_endian = header.big;
      facts.kind = kind_of(header.filetype);
    }
    if (slices.size() > 1 || slice.offset != 0) facts.slices.push_back(std::move(machine));
    add_commands(image, facts);
  }
}

}  // namespace axle::object
