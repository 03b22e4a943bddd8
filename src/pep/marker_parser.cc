#include <axle/pep/name.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "pep/marker_expression.h"

namespace axle {
namespace {

constexpr std::array<std::string_view, 14> marker_variable_names = {"os_name",
                                                                    "sys_platform",
                                                                    "platform_machine",
                                                                    "platform_python_implementation",
                                                                    "platform_release",
                                                                    "platform_system",
                                                                    "platform_version",
                                                                    "python_version",
                                                                    "python_full_version",
                                                                    "implementation_name",
                                                                    "implementation_version",
                                                                    "extra",
                                                                    "extras",
                                                                    "dependency_groups"};

// Names of PEP 345 that are still accepted. spec: PEP 508 "Environment Markers".
struct OldName {
  std::string_view old_name;
  std::string_view name;
};
constexpr std::array<OldName, 6> old_names = {
    {{"os.name", "os_name"},
     {"sys.platform", "sys_platform"},
     {"platform.version", "platform_version"},
     {"platform.machine", "platform_machine"},
     {"platform.python_implementation", "platform_python_implementation"},
     {"python_implementation", "platform_python_implementation"}}};

struct OperatorName {
  std::string_view text;
  MarkerOperator op;
};
// Longer ones first.
constexpr std::array<OperatorName, 8> operator_names = {{{"===", MarkerOperator::arbitrary},
                                                         {"==", MarkerOperator::equal},
                                                         {"~=", MarkerOperator::compatible},
                                                         {"!=", MarkerOperator::not_equal},
                                                         {"<=", MarkerOperator::less_equal},
                                                         {">=", MarkerOperator::greater_equal},
                                                         {"<", MarkerOperator::less},
                                                         {">", MarkerOperator::greater}}};

MarkerOperand parse_operand(Cursor& cursor) {
  for (const std::string_view name : marker_variable_names) {
    if (cursor.take_word(name)) return MarkerOperand{true, std::string(name)};
  }
  for (const OldName& old : old_names) {
    if (cursor.take_word(old.old_name)) return MarkerOperand{true, std::string(old.name)};
  }
  const char quote = cursor.peek();
  if (quote != '"' && quote != '\'') cursor.fail("expected a marker variable or a quoted text");
  const std::size_t end = cursor.rest().find(quote, 1);
  if (end == std::string_view::npos) cursor.fail("the quoted text has no end");
  auto value = unescape_python(cursor.rest().substr(1, end - 1));
  if (!value) cursor.fail("invalid quoted text");
  cursor.take(end + 1);
  return MarkerOperand{false, std::move(*value)};
}

MarkerOperator parse_operator(Cursor& cursor) {
  if (cursor.take_word("in")) return MarkerOperator::in;
  if (cursor.take_word("not")) {
    if (!cursor.skip_blanks() || !cursor.take_word("in")) cursor.fail("expected 'in' after 'not'");
    return MarkerOperator::not_in;
  }
  for (const OperatorName& name : operator_names) {
    if (cursor.take_if(name.text)) return name.op;
  }
  cursor.fail("expected an operator: <=, <, !=, ==, >=, >, ~=, ===, in, not in");
}

MarkerComparison parse_comparison(Cursor& cursor) {
  MarkerComparison comparison;
  comparison.left = parse_operand(cursor);
  cursor.skip_blanks();
  comparison.op = parse_operator(cursor);
  cursor.skip_blanks();
  comparison.right = parse_operand(cursor);

  MarkerOperand& left = comparison.left;
  MarkerOperand& right = comparison.right;
  comparison.variable_on_left = left.is_variable;
  comparison.variable = find_marker_variable(left.is_variable ? left.text : right.text);
  // spec: PEP 685: names of extras are compared, and shown, normalized.
  if (left.is_variable != right.is_variable) {
    const bool is_set = comparison.variable == MarkerVariable::extras ||
                        comparison.variable == MarkerVariable::dependency_groups;
    if (comparison.variable == MarkerVariable::extra || (is_set && right.is_variable)) {
      std::string& literal = left.is_variable ? right.text : left.text;
      literal = normalize_name(literal);
    }
  }
  if (comparison.variable_on_left && is_version_variable(comparison.variable)) {
    comparison.clause = make_clause(comparison.op, right.text);
  }
  return comparison;
}

std::unique_ptr<Marker::Expression> parse_expression(Cursor& cursor, int depth);

Marker::Expression::Atom parse_atom(Cursor& cursor, int depth) {
  cursor.skip_blanks();
  if (!cursor.take_if("(")) {
    MarkerComparison comparison = parse_comparison(cursor);
    cursor.skip_blanks();
    return comparison;
  }
  if (depth == Marker::max_depth) cursor.fail("brackets are nested too deeply");
  std::unique_ptr<const Marker::Expression> inner = parse_expression(cursor, depth + 1);
  if (!cursor.take_if(")")) cursor.fail("expected ')'");
  cursor.skip_blanks();
  return inner;
}

std::unique_ptr<Marker::Expression> parse_expression(Cursor& cursor, int depth) {
  auto expression = std::make_unique<Marker::Expression>();
  bool after_or = false;
  do {
    expression->terms.push_back(Marker::Expression::Term{parse_atom(cursor, depth), after_or});
    after_or = cursor.take_word("or");
  } while (after_or || cursor.take_word("and"));
  return expression;
}

}  // namespace

std::string_view to_string(MarkerVariable variable) noexcept {
  const auto index = static_cast<std::size_t>(variable);
  return index < marker_variable_names.size() ? marker_variable_names[index] : std::string_view();
}

MarkerVariable find_marker_variable(std::string_view name) noexcept {
  const auto found = std::find(marker_variable_names.begin(), marker_variable_names.end(), name);
  return static_cast<MarkerVariable>(found - marker_variable_names.begin());
}

std::string_view to_string(MarkerOperator op) noexcept {
  if (op == MarkerOperator::in) return "in";
  if (op == MarkerOperator::not_in) return "not in";
  const auto found = std::find_if(operator_names.begin(), operator_names.end(),
                                  [&](const OperatorName& name) { return name.op == op; });
  return found->text;
}

// spec: "Dependency specifiers", the table of variables and their types.
bool is_version_variable(MarkerVariable variable) noexcept {
  return variable == MarkerVariable::implementation_version || variable == MarkerVariable::platform_release ||
         variable == MarkerVariable::python_full_version || variable == MarkerVariable::python_version;
}

std::optional<Specifier> make_clause(MarkerOperator op, std::string_view text) {
  if (op == MarkerOperator::in || op == MarkerOperator::not_in) return std::nullopt;
  return Specifier::try_parse(std::string(to_string(op)).append(text));
}

std::shared_ptr<const Marker::Expression> parse_marker_expression(Cursor& cursor) {
  return parse_expression(cursor, 0);
}

}  // namespace axle
