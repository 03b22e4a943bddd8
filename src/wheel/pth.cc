#include "axle/wheel/pth.h"

#include "wheel/lines.h"

namespace axle {
namespace {

std::string_view without_bom(std::string_view text) noexcept {
  if (text.starts_with(utf8_bom)) text.remove_prefix(utf8_bom.size());
  return text;
}

}  // namespace

std::string_view to_string(PthLine::Kind kind) noexcept {
  switch (kind) {
    case PthLine::Kind::path:
      return "path";
    case PthLine::Kind::code:
      return "code";
    case PthLine::Kind::comment:
      return "comment";
    case PthLine::Kind::blank:
      return "blank";
  }
  return "";
}

std::vector<PthLine> classify_pth(std::string_view text) {
  std::vector<PthLine> out;
  LineReader lines(without_bom(text), LineEnds::unicode);
  for (std::string_view line; lines.next(line);) {
    if (line.starts_with('#')) {
      out.push_back({PthLine::Kind::comment, std::string(line)});
    } else if (strip_unicode(line).empty()) {
      out.push_back({PthLine::Kind::blank, std::string(line)});
    } else if (line.starts_with("import ") || line.starts_with("import\t")) {
      out.push_back({PthLine::Kind::code, std::string(line)});
    } else {
      out.push_back({PthLine::Kind::path, std::string(rstrip_unicode(line))});
    }
  }
  return out;
}

std::vector<PthLine> classify_start(std::string_view text) {
  std::vector<PthLine> out;
  LineReader lines(without_bom(text), LineEnds::unicode);
  for (std::string_view line; lines.next(line);) {
    const auto stripped = strip_unicode(line);
    const auto kind = stripped.empty()            ? PthLine::Kind::blank
                      : stripped.starts_with('#') ? PthLine::Kind::comment
                                                  : PthLine::Kind::code;
    out.push_back({kind, std::string(kind == PthLine::Kind::code ? stripped : line)});
  }
  return out;
}

}  // namespace axle
