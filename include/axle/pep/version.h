#pragma once
// A version of a distribution. spec: PEP 440 ("Version specifiers" of the packaging guide).

#include <axle/pep/natural.h>

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

enum class PreReleaseKind { alpha, beta, candidate };

struct PreRelease {
  PreReleaseKind kind = PreReleaseKind::alpha;
  Natural number;

  friend auto operator<=>(const PreRelease&, const PreRelease&) = default;
};

// One part of a local version: a number, or lower-case letters and digits. Numbers sort after texts.
struct LocalPart {
  std::optional<Natural> number;
  std::string text;  // only when there is no number

  friend bool operator==(const LocalPart&, const LocalPart&) = default;
  friend std::strong_ordering operator<=>(const LocalPart& a, const LocalPart& b) noexcept;
};

// A value: cheap to copy and to compare; thread-safe. Versions that differ in trailing zeros of the release
// are equal, though their texts differ.
class Version {
 public:
  // Any spelling that PEP 440 allows ("v1.0-Alpha_1"), white space at both ends included.
  // parse throws Error(bad_input).
  static Version parse(std::string_view text);
  static std::optional<Version> try_parse(std::string_view text);

  // The normal form: "1!2.0rc1.post2.dev3+local.1".
  std::string str() const;
  // The normal form without the release's trailing zeros ("1.0.0" gives "1"); the key of equal versions.
  std::string canonical() const;
  std::string public_version() const;  // the normal form without the local part
  std::string base_version() const;    // epoch and release only

  const Natural& epoch() const noexcept { return epoch_; }
  const std::vector<Natural>& release() const noexcept { return release_; }  // never empty
  // The release's number at `index`, 0 past its end.
  const Natural& release_at(std::size_t index) const noexcept;
  const std::optional<PreRelease>& pre() const noexcept { return pre_; }
  const std::optional<Natural>& post() const noexcept { return post_; }
  const std::optional<Natural>& dev() const noexcept { return dev_; }
  const std::vector<LocalPart>& local() const noexcept { return local_; }  // empty: none
  std::string local_text() const;                                          // "a.1"; "" for none

  bool is_prerelease() const noexcept { return pre_.has_value() || dev_.has_value(); }  // dev releases too
  bool is_postrelease() const noexcept { return post_.has_value(); }
  bool is_devrelease() const noexcept { return dev_.has_value(); }

  friend bool operator==(const Version& a, const Version& b) noexcept { return (a <=> b) == 0; }
  friend std::weak_ordering operator<=>(const Version& a, const Version& b) noexcept;
  // The same order with both local parts left out.
  friend std::weak_ordering compare_public(const Version& a, const Version& b) noexcept;

 private:
  Version() = default;
  std::string release_text(std::size_t count) const;  // with the epoch
  std::string suffix_text() const;

  Natural epoch_;
  std::vector<Natural> release_;
  std::optional<PreRelease> pre_;
  std::optional<Natural> post_;
  std::optional<Natural> dev_;
  std::vector<LocalPart> local_;
};

std::weak_ordering compare_public(const Version& a, const Version& b) noexcept;

}  // namespace axle
