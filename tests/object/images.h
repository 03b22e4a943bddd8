#pragma once
// Native objects made byte by byte, of machines that the compiler at hand does not serve, and as a start for
// hostile ones.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "axle/base/digest.h"
#include "object/source.h"

namespace axle::test {

// Appends integers of one byte order.
class Bytes {
 public:
  explicit Bytes(bool big) : big_(big) {}
  Bytes& u8(unsigned value) { return text += static_cast<char>(value), *this; }
  Bytes& u16(std::uint64_t value) { return add(2, value); }
  Bytes& u32(std::uint64_t value) { return add(4, value); }
  Bytes& u64(std::uint64_t value) { return add(8, value); }
  Bytes& str(std::string_view value) { return text += value, *this; }
  Bytes& zeros(std::size_t count) { return text.append(count, '\0'), *this; }
  Bytes& align(std::size_t unit) { return zeros((unit - text.size() % unit) % unit); }
  std::string text;

 private:
  Bytes& add(std::size_t size, std::uint64_t value) {
    char bytes[8];
    if (size == 2) object::store16(bytes, static_cast<std::uint16_t>(value), big_);
    if (size == 4) object::store32(bytes, static_cast<std::uint32_t>(value), big_);
    if (size == 8) object::store64(bytes, value, big_);
    text.append(bytes, size);
    return *this;
  }
  bool big_;
};

struct ElfShape {
  bool is64 = true;
  bool big = false;
  unsigned machine = 62;
  unsigned type = 3;
  std::vector<std::string> needed;
  std::string soname;
  std::optional<std::string> rpath;
  std::optional<std::string> runpath;
  std::string interpreter;
  std::string version;          // of the first needed library
  std::size_t spare_slots = 2;  // DT_NULL after the first
  bool with_note = false;
};

// One loadable segment at address 0 that holds the whole file, without sections.
inline std::string elf_image(const ElfShape& shape) {
  const bool is64 = shape.is64;
  Bytes strings(shape.big);
  strings.u8(0);
  const auto add = [&](const std::string& text) {
    const std::size_t at = strings.text.size();
    strings.str(text).u8(0);
    return at;
  };
  std::vector<std::pair<std::uint64_t, std::uint64_t>> dynamic;
  for (const std::string& name : shape.needed) dynamic.emplace_back(1, add(name));
  if (!shape.soname.empty()) dynamic.emplace_back(14, add(shape.soname));
  if (shape.rpath) dynamic.emplace_back(15, add(*shape.rpath));
  if (shape.runpath) dynamic.emplace_back(29, add(*shape.runpath));
  const std::size_t version_name = shape.version.empty() ? 0 : add(shape.version);

  const std::size_t header_size = is64 ? 64 : 52, segment_size = is64 ? 56 : 32;
  const std::size_t segments = 2 + (shape.interpreter.empty() ? 0U : 1U) + (shape.with_note ? 1U : 0U);
  const std::size_t strings_at = header_size + segments * segment_size;
  Bytes rest(shape.big);
  rest.str(strings.text);
  const auto here = [&] { return strings_at + rest.text.size(); };
  const std::size_t interpreter_at = here();
  if (!shape.interpreter.empty()) rest.str(shape.interpreter).u8(0);
  rest.zeros((8 - here() % 8) % 8);
  const std::size_t note_at = here();
  if (shape.with_note) rest.u32(4).u32(4).u32(3).str(std::string("GNU\0", 4)).u32(0x01020304);
  const std::size_t symbols_at = here();
  rest.zeros(is64 ? 24 : 16);
  const std::size_t hash_at = here();
  rest.u32(1).u32(1).u32(0).u32(0);
  const std::size_t versions_at = here();
  if (version_name != 0) {
    rest.u16(1).u16(1).u32(dynamic.front().second).u32(16).u32(0);
    rest.u32(0).u16(0).u16(2).u32(version_name).u32(0);
    dynamic.emplace_back(0x6ffffffe, versions_at);
    dynamic.emplace_back(0x6fffffff, 1);
  }
  dynamic.emplace_back(4, hash_at);
  dynamic.emplace_back(5, strings_at);
  dynamic.emplace_back(6, symbols_at);
  dynamic.emplace_back(10, strings.text.size());
  rest.zeros((16 - here() % 16) % 16);
  const std::size_t dynamic_at = here();
  dynamic.resize(dynamic.size() + 1 + shape.spare_slots);
  for (const auto& entry : dynamic) {
    if (is64) {
      rest.u64(entry.first).u64(entry.second);
    } else {
      rest.u32(entry.first).u32(entry.second);
    }
  }
  const std::size_t total = here();

  Bytes file(shape.big);
  file.str(
          "\x7f"
          "ELF")
      .u8(is64 ? 2 : 1)
      .u8(shape.big ? 2 : 1)
      .u8(1)
      .zeros(9);
  file.u16(shape.type).u16(shape.machine).u32(1);
  if (is64) {
    file.u64(0).u64(header_size).u64(0);
  } else {
    file.u32(0).u32(header_size).u32(0);
  }
  file.u32(0).u16(header_size).u16(segment_size).u16(segments).u16(is64 ? 64 : 40).u16(0).u16(0);
  const auto segment = [&](std::uint64_t type, std::uint64_t offset, std::uint64_t size,
                           std::uint64_t align) {
    if (is64) {
      file.u32(type).u32(6).u64(offset).u64(offset).u64(offset).u64(size).u64(size).u64(align);
    } else {
      file.u32(type).u32(offset).u32(offset).u32(offset).u32(size).u32(size).u32(6).u32(align);
    }
  };
  if (!shape.interpreter.empty()) segment(3, interpreter_at, shape.interpreter.size() + 1, 1);
  segment(1, 0, total, 4096);
  segment(2, dynamic_at, total - dynamic_at, 8);
  if (shape.with_note) segment(4, note_at, symbols_at - note_at, 4);
  return file.text + rest.text;
}

struct MachoShape {
  bool is64 = true;
  bool big = false;
  unsigned cpu = 0x0100000c;  // arm64
  unsigned filetype = 6;      // dylib
  std::string id;
  std::vector<std::string> needed;
  std::vector<std::string> weak_needed;
  std::vector<std::string> rpaths;
  std::size_t padding = 256;
  enum class Signature { none, ad_hoc, vendor } signature = Signature::none;
};

// Headers, padding, two pages of text, and a signature of the first pages where one is asked for.
inline std::string macho_image(const MachoShape& shape) {
  const bool big = shape.big;
  const std::size_t unit = shape.is64 ? 8 : 4;
  std::vector<std::string> commands;
  const auto named = [&](std::uint32_t kind, const std::string& name, std::size_t fixed) {
    Bytes command(big);
    const std::size_t size = (fixed + name.size() + 1 + unit - 1) / unit * unit;
    command.u32(kind).u32(size).u32(fixed);
    if (fixed == 24) command.u32(2).u32(0x10000).u32(0x10000);
    command.str(name).zeros(size - fixed - name.size());
    commands.push_back(command.text);
  };
  if (!shape.id.empty()) named(0xd, shape.id, 24);
  for (const std::string& name : shape.needed) named(0xc, name, 24);
  for (const std::string& name : shape.weak_needed) named(0x80000018, name, 24);
  for (const std::string& path : shape.rpaths) named(0x8000001c, path, 12);
  commands.push_back(
      Bytes(big).u32(0x32).u32(24).u32(1).u32(0xb0000).u32(0xd0100).u32(0).text);  // macOS 11.0

  const std::size_t header_size = shape.is64 ? 32 : 28;
  const std::size_t segment_size = shape.is64 ? 72 + 80 : 56 + 68;
  std::size_t commands_size = segment_size + (shape.signature != MachoShape::Signature::none ? 16 : 0);
  for (const std::string& command : commands) commands_size += command.size();
  const std::size_t text_at = (header_size + commands_size + shape.padding + 15) / 16 * 16;
  const std::size_t text_size = 8192;
  const std::size_t signature_at = (text_at + text_size + 15) / 16 * 16;
  constexpr std::size_t page = 4096;
  const std::size_t pages = (signature_at + page - 1) / page;
  const std::size_t directory_size = 48 + 32 * pages;
  const std::size_t vendor_size = shape.signature == MachoShape::Signature::vendor ? 16 : 0;
  const std::size_t signature_size = 12 + 16 + directory_size + vendor_size;

  Bytes segment(big);
  if (shape.is64) {
    segment.u32(0x19).u32(segment_size).str("__TEXT").zeros(10);
    segment.u64(0).u64(0x8000).u64(0).u64(signature_at).u32(5).u32(5).u32(1).u32(0);
    segment.str("__text").zeros(10).str("__TEXT").zeros(10).u64(text_at).u64(text_size).u32(text_at).zeros(
        28);
  } else {
    segment.u32(0x1).u32(segment_size).str("__TEXT").zeros(10);
    segment.u32(0).u32(0x8000).u32(0).u32(signature_at).u32(5).u32(5).u32(1).u32(0);
    segment.str("__text").zeros(10).str("__TEXT").zeros(10).u32(text_at).u32(text_size).u32(text_at).zeros(
        24);
  }
  commands.insert(commands.begin(), segment.text);
  if (shape.signature != MachoShape::Signature::none) {
    commands.push_back(Bytes(big).u32(0x1d).u32(16).u32(signature_at).u32(signature_size).text);
  }
  Bytes file(big);
  file.u32(shape.is64 ? 0xfeedfacf : 0xfeedface).u32(shape.cpu).u32(0).u32(shape.filetype);
  file.u32(commands.size()).u32(commands_size).u32(0x85);
  if (shape.is64) file.u32(0);
  for (const std::string& command : commands) file.str(command);
  file.zeros(text_at - file.text.size());
  for (std::size_t i = 0; i < text_size; ++i) file.u8(static_cast<unsigned>(i * 7 % 251));
  file.zeros(signature_at - file.text.size());
  if (shape.signature == MachoShape::Signature::none) return file.text;

  Bytes directory(true);
  directory.u32(0xfade0c02).u32(directory_size).u32(0x20400).u32(0x20002).u32(48).u32(44).u32(0).u32(pages);
  directory.u32(signature_at).u8(32).u8(2).u8(0).u8(12).u32(0).str(std::string("lib\0", 4));
  for (std::size_t i = 0; i < pages; ++i) {
    const Sha256 digest = Sha256::of(file.text.substr(i * page, std::min(page, signature_at - i * page)));
    directory.str({reinterpret_cast<const char*>(digest.bytes.data()), 32});
  }
  Bytes blob(true);
  blob.u32(0xfade0cc0).u32(signature_size).u32(vendor_size != 0 ? 2 : 1);
  blob.u32(0).u32(28).u32(0x10000).u32(28 + directory_size).str(directory.text);
  if (vendor_size != 0) blob.u32(0xfade0b01).u32(16).zeros(8);
  return file.text + blob.text;
}

inline std::string fat_image(const std::vector<std::pair<unsigned, std::string>>& slices) {
  Bytes file(true);
  file.u32(0xcafebabe).u32(slices.size());
  std::size_t offset = 4096;
  for (const auto& slice : slices) {
    file.u32(slice.first).u32(0).u32(offset).u32(slice.second.size()).u32(12);
    offset += (slice.second.size() + 4095) / 4096 * 4096;
  }
  for (const auto& slice : slices) file.align(4096).str(slice.second);
  return file.text;
}

struct PeShape {
  bool is64 = true;
  unsigned machine = 0x8664;
  bool is_dll = true;
  std::string name;
  std::vector<std::string> imports;
  std::vector<std::string> delay_imports;
};

// One section at address 0x1000 with the tables.
inline std::string pe_image(const PeShape& shape) {
  constexpr std::size_t section_address = 0x1000, section_offset = 0x400;
  Bytes names(false);
  std::vector<std::size_t> import_names, delay_names;
  const std::size_t imports_size = (shape.imports.size() + 1) * 20;
  const std::size_t delay_size = (shape.delay_imports.size() + 1) * 32;
  const std::size_t exports_at = section_address, imports_at = exports_at + 40,
                    delay_at = imports_at + imports_size;
  const std::size_t names_at = delay_at + delay_size;
  const auto add = [&](const std::string& text) {
    const std::size_t at = names_at + names.text.size();
    names.str(text).u8(0);
    return at;
  };
  Bytes section(false);
  section.zeros(12).u32(shape.name.empty() ? 0 : add(shape.name)).zeros(24);
  for (const std::string& name : shape.imports) section.zeros(12).u32(add(name)).u32(0);
  section.zeros(20);
  for (const std::string& name : shape.delay_imports) section.u32(1).u32(add(name)).zeros(24);
  section.zeros(32).str(names.text).align(512);

  Bytes file(false);
  file.str("MZ").zeros(58).u32(0x80).zeros(64);
  file.str(std::string("PE\0\0", 4)).u16(shape.machine).u16(1).zeros(12).u16(shape.is64 ? 240 : 224);
  file.u16(shape.is_dll ? 0x2022 : 0x0022);
  const std::size_t optional_at = file.text.size();
  file.u16(shape.is64 ? 0x20b : 0x10b).zeros(58).u32(section_offset);
  file.zeros(optional_at + (shape.is64 ? 108 : 92) - file.text.size()).u32(16);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 0 && !shape.name.empty()) {
      file.u32(exports_at).u32(40);
    } else if (i == 1 && !shape.imports.empty()) {
      file.u32(imports_at).u32(imports_size);
    } else if (i == 13 && !shape.delay_imports.empty()) {
      file.u32(delay_at).u32(delay_size);
    } else {
      file.u32(0).u32(0);
    }
  }
  file.str(".rdata")
      .zeros(2)
      .u32(section.text.size())
      .u32(section_address)
      .u32(section.text.size())
      .u32(section_offset);
  file.zeros(16).align(section_offset).str(section.text);
  return file.text;
}

}  // namespace axle::test
