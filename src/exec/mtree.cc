#include "exec/mtree.h"

#include <string_view>

namespace axle {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f && c != '\\' && c != '#' && c != '=' && c != '*' && c != '?' && c != '[') {
      out += c;
      continue;
    }
    out += '\\';
    for (int shift = 6; shift >= 0; shift -= 3) out += static_cast<char>('0' + ((byte >> shift) & 7));
  }
}

}  // namespace

std::string render_mtree(const Plan& plan, const std::vector<FlatEntry>& entries,
                         const LayerOptions& options) {
  const std::string look = " uid=" + std::to_string(options.uid) + " gid=" + std::to_string(options.gid) +
                           " time=" + std::to_string(options.mtime) + ".0";
  std::string text = "#mtree\n";
  for (const FlatEntry& entry : entries) {
    text += "./";
    append_escaped(text, plan.layout.root.substr(1) + (entry.path.empty() ? "" : "/" + entry.path));
    const FlatEntry& file = entry.kind == FlatKind::hardlink ? entries[entry.link_to] : entry;
    switch (file.kind) {
      case FlatKind::directory:
        text += " type=dir mode=0755" + look;
        break;
      case FlatKind::symlink:
      case FlatKind::store_link:
        text += " type=link mode=0777" + look + " link=";
        append_escaped(text, file.target);
        break;
      case FlatKind::file:
      case FlatKind::hardlink:
        text += std::string(" type=file mode=") + (file.executable ? "0755" : "0644") + look +
                " size=" + std::to_string(file.written.value().size) +
                " sha256digest=" + file.written->sha256.hex();
        break;
    }
    text += '\n';
  }
  return text;
}

}  // namespace axle
