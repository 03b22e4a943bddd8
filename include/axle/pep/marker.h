#pragma once
// Environment markers. spec: PEP 508 "Environment markers", PEP 751 (extras, dependency_groups), PEP 685;
// the behaviour is that of packaging 26.3.

#include <axle/pep/version.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace axle {

// How the marker variable `extra` is read.
enum class ExtraMode {
  text,  // PEP 508: one text, MarkerEnvironment::extra
  set,   // uv.lock, poetry.lock: `==` asks whether it is among MarkerEnvironment::extras, `!=` whether it is
         // not
};

// What a marker is evaluated against.
struct MarkerEnvironment {
  // "os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release",
  // "platform_system", "platform_version", "python_version", "python_full_version", "implementation_name",
  // "implementation_version"; others count only where a marker spells
  // such a name as a text on both sides ("a" == "name"), as in packaging.
  std::map<std::string, std::string> variables;
  std::optional<std::string> extra;         // nullopt is ""
  std::set<std::string> extras;             // any spelling; compared normalized (PEP 685)
  std::set<std::string> dependency_groups;  // as extras
  ExtraMode extra_mode = ExtraMode::text;
};

// CPython 3.12.0 on Linux x86_64, glibc: what `axle debug marker-eval` fills gaps with.
MarkerEnvironment default_environment();

// A MarkerEnvironment made ready for many evaluations: variables by position, versions parsed once.
// Immutable; thread-safe.
class MarkerContext {
 public:
  explicit MarkerContext(const MarkerEnvironment& environment);

  struct Data;
  const Data& data() const noexcept { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

// An immutable expression; copying costs one reference count; thread-safe.
class Marker {
 public:
  // Deeper brackets are refused.
  static constexpr int max_depth = 500;

  // parse throws Error(bad_input), with the column in its message; unknown variables are such an error.
  static Marker parse(std::string_view text);
  static std::optional<Marker> try_parse(std::string_view text);

  // As str() of packaging's Marker: double quotes, single spaces, no needless outer brackets.
  std::string str() const;

  // Throws Error(bad_input) for a comparison that has no meaning ("~=" of texts) or a variable that the
  // environment lacks. The first form makes a MarkerContext; for many markers make one and use the second.
  bool evaluate(const MarkerEnvironment& environment) const;
  bool evaluate(const MarkerContext& context) const;

  // Whether the variable of that name stands anywhere in it.
  bool uses_extra() const noexcept;
  bool uses_extras() const noexcept;
  bool uses_dependency_groups() const noexcept;

  struct Expression;

 private:
  explicit Marker(std::shared_ptr<const Expression> root) : root_(std::move(root)) {}
  friend struct Requirement;

  std::shared_ptr<const Expression> root_;
};

}  // namespace axle
