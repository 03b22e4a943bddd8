#pragma once
// The syntax tree of markers, and how a requirement gets one out of the middle of its text.

#include <axle/pep/marker.h>
#include <axle/pep/specifier.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pep/cursor.h"

namespace axle {

// In the order of marker_variable_names. `other` is a name that only an environment may know.
enum class MarkerVariable : unsigned char {
  os_name,
  sys_platform,
  platform_machine,
  platform_python_implementation,
  platform_release,
  platform_system,
  platform_version,
  python_version,
  python_full_version,
  implementation_name,
  implementation_version,
  extra,
  extras,
  dependency_groups,
  other,
};

// The variables that have one text each come first.
inline constexpr std::size_t text_variable_count = static_cast<std::size_t>(MarkerVariable::extra);

std::string_view to_string(MarkerVariable variable) noexcept;  // "" for other
// `other` for a name that is none; only the modern names with '_'.
MarkerVariable find_marker_variable(std::string_view name) noexcept;

enum class MarkerOperator : unsigned char {
  less,
  less_equal,
  equal,
  not_equal,
  greater_equal,
  greater,
  compatible,
  arbitrary,
  in,
  not_in,
};

std::string_view to_string(MarkerOperator op) noexcept;

struct MarkerOperand {
  bool is_variable = false;
  std::string text;  // the variable's name or the literal's value
};

// "left op right". One side is looked up in the environment, the other is text (packaging takes a second
// variable for its name, and a second literal for the name of a variable; so do we).
struct MarkerComparison {
  MarkerOperand left;
  MarkerOperator op = MarkerOperator::equal;
  MarkerOperand right;
  MarkerVariable variable = MarkerVariable::other;  // what is looked up; its name is left.text or right.text
  bool variable_on_left = true;
  // "op right" as a version clause, where the variable is a version and stands on the left.
  std::optional<Specifier> clause;
};

struct Marker::Expression {
  using Atom = std::variant<MarkerComparison, std::unique_ptr<const Expression>>;
  struct Term {
    Atom atom;
    bool after_or = false;  // what joins it to the term before: "or", else "and"
  };
  std::vector<Term> terms;  // never empty; "and" binds tighter
};

// Whether the variable's comparisons are those of versions where both sides allow it.
bool is_version_variable(MarkerVariable variable) noexcept;
// "op text" as a version clause; nullopt when it is none.
std::optional<Specifier> make_clause(MarkerOperator op, std::string_view text);

// Reads a marker from here to where it ends. Throws Error(bad_input).
std::shared_ptr<const Marker::Expression> parse_marker_expression(Cursor& cursor);

}  // namespace axle
