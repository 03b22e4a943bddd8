#include <axle/base/error.h>
#include <axle/pep/requirement.h>

#include <algorithm>

#include "base/text.h"
#include "pep/cursor.h"
#include "pep/marker_expression.h"
#include "pep/specifier_scan.h"

namespace axle {
namespace {

// "[a, b]", or nothing.
std::vector<std::string> parse_extras(Cursor& cursor) {
  std::vector<std::string> extras;
  if (!cursor.take_if("[")) return extras;
  cursor.skip_blanks();
  if (auto first = cursor.take_identifier()) {
    extras.emplace_back(*first);
    cursor.skip_blanks();
    while (cursor.take_if(",")) {
      cursor.skip_blanks();
      const auto extra = cursor.take_identifier();
      if (!extra) cursor.fail("expected the name of an extra after the comma");
      extras.emplace_back(*extra);
      cursor.skip_blanks();
    }
  }
  if (!cursor.take_if("]")) cursor.fail("expected ',' or ']' after the extras");
  std::sort(extras.begin(), extras.end());
  extras.erase(std::unique(extras.begin(), extras.end()), extras.end());
  return extras;
}

// Clauses joined by commas, in brackets or not; a comma may end them.
SpecifierSet parse_specifiers(Cursor& cursor) {
  const bool in_brackets = cursor.take_if("(");
  cursor.skip_blanks();
  std::string clauses;
  while (const auto clause = scan_specifier(cursor.rest())) {
    clauses += cursor.take(clause->end);
    cursor.skip_blanks();
    if (!cursor.take_if(",")) break;
    clauses += ',';
    cursor.skip_blanks();
  }
  if (in_brackets && !cursor.take_if(")")) cursor.fail("expected ')' after the version specifiers");
  return SpecifierSet::parse(clauses);
}

}  // namespace

Requirement Requirement::parse(std::string_view text) {
  Cursor cursor(text, "requirement");
  cursor.skip_blanks();
  const auto name = cursor.take_identifier();
  if (!name) cursor.fail("expected the name of a distribution");
  Requirement requirement;
  requirement.name = *name;
  cursor.skip_blanks();
  requirement.extras = parse_extras(cursor);
  cursor.skip_blanks();

  if (cursor.take_if("@")) {
    cursor.skip_blanks();
    const std::string_view rest = cursor.rest();
    requirement.url = cursor.take(std::min(rest.find_first_of(" \t"), rest.size()));
    if (requirement.url->empty()) cursor.fail("expected a URL after '@'");
  } else {
    requirement.specifier = parse_specifiers(cursor);
  }
  cursor.skip_blanks();
  if (cursor.at_end()) return requirement;

  if (!cursor.take_if(";")) cursor.fail("expected ';' and a marker, or the end");
  requirement.marker = Marker(parse_marker_expression(cursor));
  if (!cursor.at_end()) cursor.fail("expected 'and', 'or' or the end");
  return requirement;
}

std::optional<Requirement> Requirement::try_parse(std::string_view text) {
  try {
    return parse(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string Requirement::str() const {
  std::string out = name;
  for (std::size_t i = 0; i < extras.size(); ++i) (out += i == 0 ? '[' : ',') += extras[i];
  if (!extras.empty()) out += ']';
  out += specifier.str();
  if (url) (out += " @ ") += *url;
  if (marker) (out += url ? " ; " : "; ") += marker->str();
  return out;
}

}  // namespace axle
