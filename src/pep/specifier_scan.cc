#include "pep/specifier_scan.h"

#include <array>

#include "pep/scan.h"
#include "pep/version_scan.h"

namespace axle {
namespace {

// "===" before "==", "<=" before "<".
constexpr std::array operators = {SpecifierOperator::arbitrary,     SpecifierOperator::equal,
                                  SpecifierOperator::not_equal,     SpecifierOperator::less_equal,
                                  SpecifierOperator::greater_equal, SpecifierOperator::compatible,
                                  SpecifierOperator::less,          SpecifierOperator::greater};

// The text of "===": everything up to white space, ';' or ')'.
std::size_t arbitrary_length(std::string_view text) noexcept {
  std::size_t end = 0;
  while (end < text.size() && text[end] != ';' && text[end] != ')' && space_at_front(text.substr(end)) == 0) {
    ++end;
  }
  return end;
}

}  // namespace

std::optional<SpecifierScan> scan_specifier(std::string_view text) noexcept {
  SpecifierScan scan;
  for (const SpecifierOperator op : operators) {
    if (!text.starts_with(to_string(op))) continue;
    scan.op = op;
    std::size_t begin = to_string(op).size();
    begin += count_spaces(text.substr(begin));
    const std::string_view rest = text.substr(begin);

    std::size_t length = 0;
    if (op == SpecifierOperator::arbitrary) {
      length = arbitrary_length(rest);
      scan.end = begin + length;
    } else {
      const auto version = scan_version(rest);
      if (!version) return std::nullopt;
      const bool is_equality = op == SpecifierOperator::equal || op == SpecifierOperator::not_equal;
      // spec: PEP 440 "Compatible release": never on a single number.
      if (op == SpecifierOperator::compatible && version->release.find('.') == std::string_view::npos) {
        return std::nullopt;
      }
      if (is_equality && rest.substr(version->release_end).starts_with(".*")) {
        length = version->release_end;
        scan.prefix = true;
        scan.end = begin + length + 2;
      } else {
        length = is_equality ? version->end : version->public_end;
        scan.end = begin + length;
      }
    }
    scan.version = rest.substr(0, length);
    return scan;
  }
  return std::nullopt;
}

}  // namespace axle
