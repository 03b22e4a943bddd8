#include <axle/base/error.h>
#include <axle/pep/specifier.h>

#include <algorithm>

#include "base/text.h"
#include "pep/scan.h"
#include "pep/specifier_scan.h"

namespace axle {
namespace {

// The candidate's release against the first `count` numbers of `release`, of which missing ones are zeros.
std::strong_ordering compare_prefix(const Version& candidate, const Version& wanted,
                                    std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto order = candidate.release_at(i) <=> wanted.release_at(i); order != 0) return order;
  }
  return std::strong_ordering::equal;
}

bool same_release_and_pre(const Version& a, const Version& b) noexcept {
  return a.epoch() == b.epoch() && a.pre() == b.pre() &&
         compare_prefix(a, b, std::max(a.release().size(), b.release().size())) == 0;
}

// spec: PEP 440 "Exclusive ordered comparison": a version's own pre-releases do not come before it, unless it
// is one.
bool is_less(const Version& candidate, const Version& wanted) noexcept {
  if (candidate >= wanted) return false;
  if (wanted.is_prerelease() || candidate.epoch() != wanted.epoch()) return true;
  const std::size_t count = std::max(candidate.release().size(), wanted.release().size());
  if (compare_prefix(candidate, wanted, count) != 0) return true;
  // A final release's own are all that precede it; a post release's own are its dev releases.
  return wanted.post() && (candidate.pre() || candidate.post() != wanted.post());
}

// ... and its post-releases and local versions do not come after it, unless it is one.
bool is_greater(const Version& candidate, const Version& wanted) noexcept {
  if (compare_public(candidate, wanted) <= 0) return false;
  if (wanted.dev() || wanted.post()) return true;
  return !same_release_and_pre(candidate, wanted);
}

bool is_compatible(const Version& candidate, const Version& wanted) noexcept {
  return candidate >= wanted && candidate.epoch() == wanted.epoch() &&
         compare_prefix(candidate, wanted, wanted.release().size() - 1) == 0;
}

// spec: PEP 440 "Version matching": a local part counts only when the clause has one.
bool is_equal(const Version& candidate, const Version& wanted) noexcept {
  return wanted.local().empty() ? compare_public(candidate, wanted) == 0 : candidate == wanted;
}

}  // namespace

std::string_view to_string(SpecifierOperator op) noexcept {
  switch (op) {
    case SpecifierOperator::compatible:
      return "~=";
    case SpecifierOperator::equal:
      return "==";
    case SpecifierOperator::not_equal:
      return "!=";
    case SpecifierOperator::less_equal:
      return "<=";
    case SpecifierOperator::greater_equal:
      return ">=";
    case SpecifierOperator::less:
      return "<";
    case SpecifierOperator::greater:
      return ">";
    case SpecifierOperator::arbitrary:
      break;
  }
  return "===";
}

std::optional<Specifier> Specifier::try_parse(std::string_view text) {
  text = strip_spaces(text);
  const auto scan = scan_specifier(text);
  if (!scan || scan->end != text.size()) return std::nullopt;
  Specifier specifier;
  specifier.op_ = scan->op;
  specifier.prefix_ = scan->prefix;
  specifier.version_ = Version::try_parse(scan->version);
  specifier.text_ = scan->version;
  if (scan->prefix) specifier.text_ += ".*";
  if (!specifier.version_ && scan->op != SpecifierOperator::arbitrary) return std::nullopt;
  return specifier;
}

Specifier Specifier::parse(std::string_view text) {
  if (auto specifier = try_parse(text)) return std::move(*specifier);
  throw Error(ErrorCode::bad_input, quoted(text) + " is not a version specifier",
              "specifiers look like >=1.2, ==1.*, ~=1.4.2 (PEP 440)");
}

std::string Specifier::str() const { return std::string(to_string(op_)) += text_; }

std::string Specifier::canonical() const {
  if (op_ == SpecifierOperator::arbitrary || prefix_ || !version_) return str();
  // The number of the release's parts is the meaning of "~=".
  return std::string(to_string(op_)) +=
         op_ == SpecifierOperator::compatible ? version_->str() : version_->canonical();
}

bool Specifier::names_prerelease() const noexcept {
  return op_ != SpecifierOperator::not_equal && !prefix_ && version_ && version_->is_prerelease();
}

bool Specifier::matches(const Version& candidate) const {
  if (op_ == SpecifierOperator::arbitrary) return ascii_iequal(candidate.str(), text_);
  const Version& wanted = *version_;
  if (prefix_) {
    const bool inside = candidate.epoch() == wanted.epoch() &&
                        compare_prefix(candidate, wanted, wanted.release().size()) == 0;
    return inside == (op_ == SpecifierOperator::equal);
  }
  switch (op_) {
    case SpecifierOperator::compatible:
      return is_compatible(candidate, wanted);
    case SpecifierOperator::equal:
      return is_equal(candidate, wanted);
    case SpecifierOperator::not_equal:
      return !is_equal(candidate, wanted);
    case SpecifierOperator::less_equal:
      return compare_public(candidate, wanted) <= 0;
    case SpecifierOperator::greater_equal:
      return candidate >= wanted;
    case SpecifierOperator::less:
      return is_less(candidate, wanted);
    case SpecifierOperator::greater:
      return is_greater(candidate, wanted);
    case SpecifierOperator::arbitrary:
      break;
  }
  return false;
}

bool Specifier::matches(std::string_view text, const std::optional<Version>& candidate) const {
  if (op_ == SpecifierOperator::arbitrary) return ascii_iequal(text, text_);
  return candidate && matches(*candidate);
}

std::optional<SpecifierSet> SpecifierSet::try_parse(std::string_view text) {
  SpecifierSet set;
  for (const std::string_view piece : split(text, ',')) {
    if (strip_spaces(piece).empty()) continue;
    auto clause = Specifier::try_parse(piece);
    if (!clause) return std::nullopt;
    set.clauses_.push_back(std::move(*clause));
  }
  if (set.clauses_.size() < 2) return set;

  // Of clauses that mean the same the first in order stays.
  struct Keyed {
    std::string text;
    std::string canonical;
    std::size_t index;
  };
  std::vector<Keyed> keys;
  keys.reserve(set.clauses_.size());
  for (std::size_t i = 0; i < set.clauses_.size(); ++i) {
    keys.push_back(Keyed{set.clauses_[i].str(), set.clauses_[i].canonical(), i});
  }
  std::stable_sort(keys.begin(), keys.end(), [](const Keyed& a, const Keyed& b) { return a.text < b.text; });
  std::stable_sort(keys.begin(), keys.end(),
                   [](const Keyed& a, const Keyed& b) { return a.canonical < b.canonical; });
  keys.erase(std::unique(keys.begin(), keys.end(),
                         [](const Keyed& a, const Keyed& b) { return a.canonical == b.canonical; }),
             keys.end());
  std::sort(keys.begin(), keys.end(), [](const Keyed& a, const Keyed& b) { return a.text < b.text; });
  std::vector<Specifier> sorted;
  sorted.reserve(keys.size());
  for (const Keyed& key : keys) sorted.push_back(std::move(set.clauses_[key.index]));
  set.clauses_ = std::move(sorted);
  return set;
}

SpecifierSet SpecifierSet::parse(std::string_view text) {
  if (auto set = try_parse(text)) return std::move(*set);
  for (const std::string_view piece : split(text, ',')) {
    if (!strip_spaces(piece).empty()) Specifier::parse(strip_spaces(piece));
  }
  throw Error(ErrorCode::bad_input, quoted(text) + " is not a set of version specifiers");
}

std::optional<Version> SpecifierSet::pinned() const {
  if (clauses_.size() != 1 || clauses_.front().is_prefix()) return std::nullopt;
  const SpecifierOperator op = clauses_.front().op();
  if (op != SpecifierOperator::equal && op != SpecifierOperator::arbitrary) return std::nullopt;
  return clauses_.front().version();
}

std::string SpecifierSet::str() const {
  std::string out;
  for (const Specifier& clause : clauses_) {
    if (!out.empty()) out += ',';
    out += clause.str();
  }
  return out;
}

bool SpecifierSet::contains(const Version& candidate, std::optional<bool> prereleases) const {
  if (prereleases == false && candidate.is_prerelease()) return false;
  return std::all_of(clauses_.begin(), clauses_.end(),
                     [&](const Specifier& clause) { return clause.matches(candidate); });
}

bool SpecifierSet::contains(std::string_view candidate, std::optional<bool> prereleases) const {
  const auto version = Version::try_parse(candidate);
  if (prereleases == false && version && version->is_prerelease()) return false;
  return std::all_of(clauses_.begin(), clauses_.end(),
                     [&](const Specifier& clause) { return clause.matches(candidate, version); });
}

bool operator==(const SpecifierSet& a, const SpecifierSet& b) {
  return std::equal(a.clauses_.begin(), a.clauses_.end(), b.clauses_.begin(), b.clauses_.end(),
                    [](const Specifier& x, const Specifier& y) { return x.canonical() == y.canonical(); });
}

}  // namespace axle
