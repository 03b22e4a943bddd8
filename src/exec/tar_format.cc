#include "exec/tar_format.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace axle {
namespace {

constexpr std::size_t name_size = 100;
constexpr std::size_t prefix_size = 155;
constexpr std::uint64_t max_octal_7 = 07777777;
constexpr std::uint64_t max_octal_11 = 077777777777;

struct Header {
  std::array<char, tar_block> bytes{};

  void text(std::size_t at, std::string_view value) { value.copy(bytes.data() + at, value.size()); }
  // Octal digits with leading zeros; the byte after them stays NUL.
  void octal(std::size_t at, std::size_t digits, std::uint64_t value) {
    for (std::size_t i = digits; i > 0; --i, value >>= 3) {
      bytes[at + i - 1] = static_cast<char>('0' + (value & 7));
    }
  }
  void append_to(std::string& out) {
    text(148, "        ");
    std::uint64_t sum = 0;
    for (const char c : bytes) sum += static_cast<unsigned char>(c);
    octal(148, 6, sum);
    bytes[154] = '\0';
    out.append(bytes.data(), bytes.size());
  }
};

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Prefix and name of a path, when ustar can hold it.
std::optional<std::pair<std::string_view, std::string_view>> split_path(std::string_view path) {
  if (!is_ascii(path)) return std::nullopt;
  if (path.size() <= name_size) return std::pair{std::string_view(), path};
  // The first slash that leaves a name short enough gives the shortest prefix; a name must not be empty.
  const std::size_t slash = path.find('/', path.size() - name_size - 1);
  if (slash == std::string_view::npos || slash + 1 >= path.size() || slash > prefix_size || slash == 0) {
    return std::nullopt;
  }
  return std::pair{path.substr(0, slash), path.substr(slash + 1)};
}

// "LENGTH key=value\n", where LENGTH counts itself.
void append_pax(std::string& records, std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
  records += std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

// What stands in ustar's own fields when a PAX record says it: old readers see something sensible.
std::string shortened(std::string_view text, std::size_t size) {
  std::string ascii(text.substr(text.size() - std::min(text.size(), size)));
  for (char& c : ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '_';
  }
  return ascii;
}

void fill_common(Header& header, const TarMember& member, std::uint64_t size) {
  header.octal(108, 7, member.uid <= max_octal_7 ? member.uid : 0);
  header.octal(116, 7, member.gid <= max_octal_7 ? member.gid : 0);
  header.octal(124, 11, size <= max_octal_11 ? size : 0);
  const auto mtime = static_cast<std::uint64_t>(std::max<std::int64_t>(member.mtime, 0));
  header.octal(136, 11, std::min(mtime, max_octal_11));
  header.text(257, std::string_view("ustar\0"
                                    "00",
                                    8));
  header.octal(329, 7, 0);
  header.octal(337, 7, 0);
}

void append_pax_header(std::string& out, const TarMember& member, const std::string& records) {
  Header header;
  const std::string_view path = member.path;
  header.text(0, "PaxHeaders/" + shortened(path.substr(path.rfind('/') + 1), name_size - 11));
  header.octal(100, 7, 0644);
  fill_common(header, member, records.size());
  header.bytes[156] = 'x';
  header.append_to(out);
  out += records;
  append_tar_padding(out, records.size());
}

}  // namespace

void append_tar_header(std::string& out, const TarMember& member) {
  const std::string path = member.path + (member.kind == TarKind::directory ? "/" : "");
  const auto split = split_path(path);
  const bool long_link = member.link.size() > name_size || !is_ascii(member.link);
  std::string records;
  if (member.gid > max_octal_7) append_pax(records, "gid", std::to_string(member.gid));
  if (long_link) append_pax(records, "linkpath", member.link);
  if (member.mtime > static_cast<std::int64_t>(max_octal_11)) {
    append_pax(records, "mtime", std::to_string(member.mtime));
  }
  if (!split) append_pax(records, "path", path);
  if (member.size > max_octal_11) append_pax(records, "size", std::to_string(member.size));
  if (member.uid > max_octal_7) append_pax(records, "uid", std::to_string(member.uid));
  if (!records.empty()) append_pax_header(out, member, records);

  Header header;
  if (split) {
    header.text(0, split->second);
    header.text(345, split->first);
  } else {
    header.text(0, shortened(path, name_size));
  }
  header.octal(100, 7, member.mode);
  fill_common(header, member, member.size);
  header.bytes[156] = static_cast<char>(member.kind);
  header.text(157, long_link ? shortened(member.link, name_size) : member.link);
  header.append_to(out);
}

void append_tar_padding(std::string& out, std::uint64_t size) {
  out.append(static_cast<std::size_t>((tar_block - size % tar_block) % tar_block), '\0');
}

void append_tar_end(std::string& out) { out.append(2 * tar_block, '\0'); }

}  // namespace axle
