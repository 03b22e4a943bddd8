#include "lock/poetry_range.h"

#include <string>

#include "axle/pep/version.h"
#include "base/text.h"

namespace axle::lockfile {
namespace {

// The release with the number at `index` one higher and nothing after it.
std::string bumped(const Version& version, std::size_t index) {
  std::string text = version.epoch().is_zero() ? "" : version.epoch().str() + "!";
  for (std::size_t i = 0; i <= index; ++i) {
    if (i > 0) text += '.';
    if (i < index) {
      text += version.release_at(i).str();
    } else {
      const auto number = version.release_at(i).to_uint64();
      if (!number || *number == ~std::uint64_t{0}) return {};
      text += std::to_string(*number + 1);
    }
  }
  return text;
}

// "^1.2.3" is below the next change of the first number that is not zero; "^0.0" below 0.1, "^0" below 1.
std::string caret(const Version& version) {
  const std::size_t size = version.release().size();
  std::size_t index = 0;
  while (index + 1 < size && version.release_at(index).is_zero()) ++index;
  return bumped(version, index);
}

std::string upper_bound(const Version& version, char op) {
  if (op == '^') return caret(version);
  return bumped(version, version.release().size() >= 2 ? 1 : 0);  // "~1.2.3" is below 1.3, "~1" below 2
}

// One clause as PEP 440 clauses joined by commas; nullopt when it is none, "" for "everything".
std::optional<std::string> clause(std::string_view text) {
  if (text == "*" || text == "x") return "";
  if (text.starts_with('^') || (text.starts_with('~') && !text.starts_with("~="))) {
    const auto version = Version::try_parse(trim(text.substr(1)));
    if (!version) return std::nullopt;
    const std::string upper = upper_bound(*version, text.front());
    if (upper.empty()) return std::nullopt;
    return ">=" + version->str() + ",<" + upper;
  }
  if (text.starts_with('=') && !text.starts_with("==")) return "=" + std::string(text);
  if (!text.empty() && (is_digit(text.front()) || text.front() == 'v')) {
    return "==" + std::string(text);
  }
  return std::string(text);
}

// Commas and blanks both join clauses: ">=1 <2"; a blank may also stand after the operator.
std::optional<std::string> clauses(std::string_view text) {
  std::string result;
  std::size_t at = 0;
  while (at < text.size()) {
    while (at < text.size() && (is_space(text[at]) || text[at] == ',')) ++at;
    const std::size_t start = at;
    while (at < text.size() && std::string_view("<>=!~^").find(text[at]) != std::string_view::npos) ++at;
    const std::size_t op_end = at;
    while (at < text.size() && is_space(text[at])) ++at;
    const std::size_t version = at;
    while (at < text.size() && !is_space(text[at]) && text[at] != ',') ++at;
    if (at == start) break;
    const auto one = clause(std::string(text.substr(start, op_end - start)) +
                            std::string(text.substr(version, at - version)));
    if (!one) return std::nullopt;
    if (!one->empty()) result += (result.empty() ? "" : ",") + *one;
  }
  return result;
}

}  // namespace

std::optional<VersionRange> parse_poetry_range(std::string_view text) {
  VersionRange range;
  range.text = std::string(trim(text));
  std::string_view rest = range.text;
  while (true) {
    const auto bar = rest.find("||");
    const auto single = rest.find('|');
    const auto at = bar == std::string_view::npos ? single : std::min(bar, single);
    const auto pep440 = clauses(trim(rest.substr(0, at)));
    if (!pep440) return std::nullopt;
    const auto set = SpecifierSet::try_parse(*pep440);
    if (!set) return std::nullopt;
    range.any_of.push_back(*set);
    if (at == std::string_view::npos) return range;
    rest = rest.substr(at + (at == bar ? 2 : 1));
  }
}

}  // namespace axle::lockfile
