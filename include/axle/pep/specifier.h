#pragma once
// Which versions are wanted. spec: PEP 440 "Version specifiers"; the behaviour is that of packaging 26.3.

#include <axle/pep/version.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

enum class SpecifierOperator {
  compatible,
  equal,
  not_equal,
  less_equal,
  greater_equal,
  less,
  greater,
  arbitrary
};

std::string_view to_string(SpecifierOperator op) noexcept;  // "~=", "==", ..., "==="

// One clause: ">=1.0", "==1.*", "===anything". A value; thread-safe.
class Specifier {
 public:
  // parse throws Error(bad_input).
  static Specifier parse(std::string_view text);
  static std::optional<Specifier> try_parse(std::string_view text);

  SpecifierOperator op() const noexcept { return op_; }
  // What follows the operator, as written, without white space around it and with ".*".
  const std::string& version_text() const noexcept { return text_; }
  // The version without ".*"; nullopt only for "===" on a text that is no version.
  const std::optional<Version>& version() const noexcept { return version_; }
  bool is_prefix() const noexcept { return prefix_; }  // "==1.*", "!=1.*"

  std::string str() const;

  // Whether the clause names a pre-release: by default it then admits pre-releases. False for "!=", "===" on
  // no version, ...
  bool names_prerelease() const noexcept;

  // Whether `candidate` satisfies the clause, pre-release or not. `text` is how the candidate was written,
  // for "==="; without a version only "===" can be true.
  bool matches(const Version& candidate) const;
  bool matches(std::string_view text, const std::optional<Version>& candidate) const;

  // The clause in the form that is the same for clauses that mean the same: "==1.0" and "== 1.0.0" are equal.
  std::string canonical() const;

 private:
  Specifier() = default;

  SpecifierOperator op_ = SpecifierOperator::equal;
  bool prefix_ = false;
  std::string text_;
  std::optional<Version> version_;
};

// Clauses joined by commas, all of which must hold; empty: everything. A value; thread-safe.
class SpecifierSet {
 public:
  SpecifierSet() = default;

  // parse throws Error(bad_input). Empty clauses (",>=1,") are ignored.
  static SpecifierSet parse(std::string_view text);
  static std::optional<SpecifierSet> try_parse(std::string_view text);

  bool empty() const noexcept { return clauses_.empty(); }
  // Sorted by their text, without duplicates.
  const std::vector<Specifier>& clauses() const noexcept { return clauses_; }
  // The version of a set that is exactly one "==V" or "===V" without ".*"; nullopt for every other set.
  std::optional<Version> pinned() const;

  std::string str() const;  // ">=1,<2" in sorted order, no spaces

  // `prereleases`: true admits them, false does not, nullopt lets the clauses say; a single candidate that
  // nothing but its being a pre-release speaks against is then admitted (PEP 440 "Handling of pre-releases").
  // The text form also takes candidates that are no version, which only "===" and the empty set admit.
  bool contains(const Version& candidate, std::optional<bool> prereleases = std::nullopt) const;
  bool contains(std::string_view candidate, std::optional<bool> prereleases = std::nullopt) const;

  // The same clauses; versions that are equal count as the same.
  friend bool operator==(const SpecifierSet& a, const SpecifierSet& b);

 private:
  std::vector<Specifier> clauses_;
};

}  // namespace axle
