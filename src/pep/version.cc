#include <axle/base/error.h>
#include <axle/pep/version.h>

#include <algorithm>

#include "base/text.h"
#include "pep/scan.h"
#include "pep/version_scan.h"

namespace axle {
namespace {

std::string_view to_string(PreReleaseKind kind) noexcept {
  switch (kind) {
    case PreReleaseKind::alpha:
      return "a";
    case PreReleaseKind::beta:
      return "b";
    case PreReleaseKind::candidate:
      break;
  }
  return "rc";
}

PreReleaseKind pre_release_kind(std::string_view letter) noexcept {
  switch (to_lower(letter.front())) {
    case 'a':
      return PreReleaseKind::alpha;
    case 'b':
      return PreReleaseKind::beta;
    default:
      return PreReleaseKind::candidate;  // c, rc, pre, preview
  }
}

// spec: PEP 440 "Implicit post releases", "Implicit pre-release number": no digits mean 0.
std::optional<Natural> number_or_zero(std::string_view digits) {
  return digits.empty() ? Natural() : Natural::try_parse(digits);
}

std::strong_ordering compare_releases(const Version& a, const Version& b) noexcept {
  const std::size_t count = std::max(a.release().size(), b.release().size());
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto order = a.release_at(i) <=> b.release_at(i); order != 0) return order;
  }
  return std::strong_ordering::equal;
}

// Where a version stands among those of its release by its pre-release: dev only < a < b < rc < none.
int pre_rank(const Version& v) noexcept {
  if (v.pre()) return static_cast<int>(v.pre()->kind);
  return v.dev() && !v.post() ? -1 : 3;
}

}  // namespace

std::strong_ordering operator<=>(const LocalPart& a, const LocalPart& b) noexcept {
  if (a.number.has_value() != b.number.has_value()) return a.number.has_value() <=> b.number.has_value();
  if (a.number) return *a.number <=> *b.number;
  return a.text.compare(b.text) <=> 0;
}

std::optional<Version> Version::try_parse(std::string_view text) {
  text = strip_spaces(text);
  const auto scan = scan_version(text);
  if (!scan || scan->end != text.size()) return std::nullopt;

  Version version;
  if (!scan->epoch.empty()) {
    const auto epoch = Natural::try_parse(scan->epoch);
    if (!epoch) return std::nullopt;
    version.epoch_ = *epoch;
  }
  version.release_.reserve(
      static_cast<std::size_t>(std::count(scan->release.begin(), scan->release.end(), '.')) + 1);
  for (std::string_view rest = scan->release; !rest.empty();) {
    const std::string_view digits = digits_at_front(rest);
    auto number = Natural::try_parse(digits);
    if (!number) return std::nullopt;
    version.release_.push_back(std::move(*number));
    rest.remove_prefix(std::min(digits.size() + 1, rest.size()));
  }
  if (!scan->pre_letter.empty()) {
    auto number = number_or_zero(scan->pre_number);
    if (!number) return std::nullopt;
    version.pre_ = PreRelease{pre_release_kind(scan->pre_letter), std::move(*number)};
  }
  if (!scan->post_letter.empty()) {
    version.post_ = number_or_zero(scan->post_number);
    if (!version.post_) return std::nullopt;
  }
  if (!scan->dev_letter.empty()) {
    version.dev_ = number_or_zero(scan->dev_number);
    if (!version.dev_) return std::nullopt;
  }
  for (std::string_view rest = scan->local; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of("._-"), rest.size());
    const std::string_view part = rest.substr(0, end);
    LocalPart local;
    if (std::all_of(part.begin(), part.end(), is_digit)) {
      local.number = Natural::try_parse(part);
      if (!local.number) return std::nullopt;
    } else {
      local.text = ascii_lower(part);
    }
    version.local_.push_back(std::move(local));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return version;
}

Version Version::parse(std::string_view text) {
  if (auto version = try_parse(text)) return std::move(*version);
  throw Error(ErrorCode::bad_input, quoted(text) + " is not a version",
              "versions look like 1.2.3, 1.0rc1, 1.0.post2 (PEP 440)");
}

const Natural& Version::release_at(std::size_t index) const noexcept {
  static const Natural zero;
  return index < release_.size() ? release_[index] : zero;
}

std::string Version::local_text() const {
  std::string out;
  for (const LocalPart& part : local_) {
    if (!out.empty()) out += '.';
    out += part.number ? part.number->str() : part.text;
  }
  return out;
}

std::string Version::release_text(std::size_t count) const {
  std::string out;
  if (!epoch_.is_zero()) out = epoch_.str() + '!';
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += '.';
    out += release_[i].str();
  }
  return out;
}

std::string Version::suffix_text() const {
  std::string out;
  if (pre_) (out += to_string(pre_->kind)) += pre_->number.str();
  if (post_) (out += ".post") += post_->str();
  if (dev_) (out += ".dev") += dev_->str();
  return out;
}

std::string Version::base_version() const { return release_text(release_.size()); }

std::string Version::public_version() const { return base_version() + suffix_text(); }

std::string Version::str() const {
  return local_.empty() ? public_version() : public_version() + '+' + local_text();
}

std::string Version::canonical() const {
  std::size_t count = release_.size();
  while (count > 1 && release_[count - 1].is_zero()) --count;
  std::string out = release_text(count) + suffix_text();
  if (!local_.empty()) (out += '+') += local_text();
  return out;
}

// spec: PEP 440 "Summary of permitted suffixes and relative ordering".
std::weak_ordering compare_public(const Version& a, const Version& b) noexcept {
  if (const auto order = a.epoch_ <=> b.epoch_; order != 0) return order;
  if (const auto order = compare_releases(a, b); order != 0) return order;
  if (const auto order = pre_rank(a) <=> pre_rank(b); order != 0) return order;
  if (a.pre_ && b.pre_) {
    if (const auto order = a.pre_->number <=> b.pre_->number; order != 0) return order;
  }
  // No post release comes before any, a dev release before what it leads to.
  if (const auto order = a.post_ <=> b.post_; order != 0) return order;
  if (a.dev_ && b.dev_) return *a.dev_ <=> *b.dev_;
  return b.dev_.has_value() <=> a.dev_.has_value();
}

std::weak_ordering operator<=>(const Version& a, const Version& b) noexcept {
  if (const auto order = compare_public(a, b); order != 0) return order;
  return std::lexicographical_compare_three_way(a.local_.begin(), a.local_.end(), b.local_.begin(),
                                                b.local_.end());
}

}  // namespace axle
