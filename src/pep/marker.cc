// Evaluating markers.
//
// A marker is a tree of comparisons, each of a variable of the environment with a text. Which kind of
// comparison it is depends on both: python_version, python_full_version, implementation_version and
// platform_release compare as versions when operator and text together are a version clause (">=3.9"), and as
// text otherwise; text knows only equality and `in`, and `<=`, `>=` mean equality. `extras` and
// `dependency_groups` are sets that a text may be in.
//
// What can be prepared is: the clauses when the marker is parsed, the environment's versions in a
// MarkerContext. A comparison then costs one comparison of two parsed versions or two short texts, which
// matters for locks that carry thousands of markers. Every comparison is evaluated, even where the result is
// known already, so that a meaningless one is an error whatever stands beside it (as in packaging).

#include <axle/base/error.h>
#include <axle/pep/marker.h>
#include <axle/pep/name.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "pep/marker_expression.h"

namespace axle {

struct MarkerContext::Data {
  struct Text {
    std::string text;
    std::optional<Version> version;
  };
  std::array<std::optional<Text>, text_variable_count> texts;
  std::map<std::string, std::string> others;  // names that are no marker variable
  std::string extra;                          // normalized
  std::set<std::string> extras;               // normalized
  std::set<std::string> dependency_groups;    // normalized
  ExtraMode extra_mode = ExtraMode::text;
};

namespace {

std::set<std::string> normalize_names(const std::set<std::string>& names) {
  std::set<std::string> normalized;
  for (const std::string& name : names) normalized.insert(normalize_name(name));
  return normalized;
}

[[noreturn]] void fail_undefined(const MarkerComparison& comparison, std::string_view why) {
  throw Error(ErrorCode::bad_input, "the marker comparison of " + quoted(comparison.left.text) + " and " +
                                        quoted(comparison.right.text) + " with '" +
                                        std::string(to_string(comparison.op)) +
                                        "' has no meaning: " + std::string(why));
}

bool evaluate_texts(const MarkerComparison& comparison, std::string_view left, std::string_view right) {
  switch (comparison.op) {
    case MarkerOperator::in:
      return right.find(left) != std::string_view::npos;
    case MarkerOperator::not_in:
      return right.find(left) == std::string_view::npos;
    case MarkerOperator::equal:
    case MarkerOperator::less_equal:
    case MarkerOperator::greater_equal:
      return left == right;
    case MarkerOperator::not_equal:
      return left != right;
    case MarkerOperator::less:
    case MarkerOperator::greater:
      return false;
    case MarkerOperator::compatible:
    case MarkerOperator::arbitrary:
      break;
  }
  fail_undefined(comparison, "these are not versions");
}

// A set is on the right of `in`; no text is equal to it.
bool evaluate_set(const MarkerComparison& comparison, const std::set<std::string>& set) {
  if (comparison.variable_on_left) fail_undefined(comparison, "a set can only stand on the right of 'in'");
  switch (comparison.op) {
    case MarkerOperator::in:
      return set.contains(normalize_name(comparison.left.text));
    case MarkerOperator::not_in:
      return !set.contains(normalize_name(comparison.left.text));
    case MarkerOperator::not_equal:
      return true;
    case MarkerOperator::equal:
    case MarkerOperator::less_equal:
    case MarkerOperator::greater_equal:
    case MarkerOperator::less:
    case MarkerOperator::greater:
      return false;
    case MarkerOperator::compatible:
    case MarkerOperator::arbitrary:
      break;
  }
  fail_undefined(comparison, "sets are not versions");
}

// ExtraMode::set: `extra` stands for every active extra at once. The comparison asks for one that makes it
// true; the negated operators ask that there be none.
bool evaluate_extra_set(const MarkerComparison& comparison, const std::set<std::string>& extras) {
  const std::string& literal = comparison.variable_on_left ? comparison.right.text : comparison.left.text;
  const auto any_within = [&] {
    if (!comparison.variable_on_left) return extras.contains(literal);
    return std::any_of(extras.begin(), extras.end(),
                       [&](const std::string& extra) { return literal.find(extra) != std::string::npos; });
  };
  switch (comparison.op) {
    case MarkerOperator::equal:
    case MarkerOperator::less_equal:
    case MarkerOperator::greater_equal:
      return extras.contains(literal);
    case MarkerOperator::not_equal:
      return !extras.contains(literal);
    case MarkerOperator::in:
      return any_within();
    case MarkerOperator::not_in:
      return !any_within();
    case MarkerOperator::less:
    case MarkerOperator::greater:
      return false;
    case MarkerOperator::compatible:
    case MarkerOperator::arbitrary:
      break;
  }
  fail_undefined(comparison, "extras are not versions");
}

bool evaluate_version(const MarkerComparison& comparison, const MarkerContext::Data::Text& value) {
  if (comparison.variable_on_left) {
    if (comparison.clause) return comparison.clause->matches(value.text, value.version);
    return evaluate_texts(comparison, value.text, comparison.right.text);
  }
  if (const auto clause = make_clause(comparison.op, value.text)) {
    return clause->matches(comparison.left.text, Version::try_parse(comparison.left.text));
  }
  return evaluate_texts(comparison, comparison.left.text, value.text);
}

bool evaluate_comparison(const MarkerComparison& comparison, const MarkerContext::Data& data) {
  const std::string& name = comparison.variable_on_left ? comparison.left.text : comparison.right.text;
  const auto evaluate_with = [&](const std::string& value) {
    return comparison.variable_on_left ? evaluate_texts(comparison, value, comparison.right.text)
                                       : evaluate_texts(comparison, comparison.left.text, value);
  };
  switch (comparison.variable) {
    case MarkerVariable::extra:
      return data.extra_mode == ExtraMode::set ? evaluate_extra_set(comparison, data.extras)
                                               : evaluate_with(data.extra);
    case MarkerVariable::extras:
      return evaluate_set(comparison, data.extras);
    case MarkerVariable::dependency_groups:
      return evaluate_set(comparison, data.dependency_groups);
    case MarkerVariable::other:
      if (const auto found = data.others.find(name); found != data.others.end())
        return evaluate_with(found->second);
      break;
    default:
      if (const auto& value = data.texts[static_cast<std::size_t>(comparison.variable)]) {
        return is_version_variable(comparison.variable) ? evaluate_version(comparison, *value)
                                                        : evaluate_with(value->text);
      }
  }
  throw Error(ErrorCode::bad_input, "the environment has no marker variable " + quoted(name));
}

bool evaluate_expression(const Marker::Expression& expression, const MarkerContext::Data& data) {
  bool any = false;
  bool all = true;
  for (const Marker::Expression::Term& term : expression.terms) {
    if (term.after_or) {
      any = any || all;
      all = true;
    }
    const auto* comparison = std::get_if<MarkerComparison>(&term.atom);
    const bool value = comparison != nullptr ? evaluate_comparison(*comparison, data)
                                             : evaluate_expression(*std::get<1>(term.atom), data);
    all = all && value;
  }
  return any || all;
}

void render_operand(const MarkerOperand& operand, std::string& out) {
  if (operand.is_variable) {
    out += operand.text;
    return;
  }
  const bool has_double = operand.text.find('"') != std::string::npos;
  if (has_double && operand.text.find('\'') != std::string::npos) {
    throw Error(ErrorCode::bad_input,
                "a marker's text that holds both kinds of quotes cannot be written: " + quoted(operand.text));
  }
  const char quote = has_double ? '\'' : '"';
  ((out += quote) += operand.text) += quote;
}

void render_expression(const Marker::Expression& expression, bool outermost, std::string& out) {
  const bool is_single = expression.terms.size() == 1;
  if (!is_single && !outermost) out += '(';
  for (std::size_t i = 0; i < expression.terms.size(); ++i) {
    const Marker::Expression::Term& term = expression.terms[i];
    if (i > 0) out += term.after_or ? " or " : " and ";
    if (const auto* comparison = std::get_if<MarkerComparison>(&term.atom)) {
      render_operand(comparison->left, out);
      ((out += ' ') += to_string(comparison->op)) += ' ';
      render_operand(comparison->right, out);
    } else {
      render_expression(*std::get<1>(term.atom), outermost && is_single, out);
    }
  }
  if (!is_single && !outermost) out += ')';
}

// Whether a variable stands anywhere.
bool mentions(const Marker::Expression& expression, std::string_view name) noexcept {
  return std::any_of(expression.terms.begin(), expression.terms.end(),
                     [&](const Marker::Expression::Term& term) {
                       const auto* comparison = std::get_if<MarkerComparison>(&term.atom);
                       if (comparison == nullptr) return mentions(*std::get<1>(term.atom), name);
                       return (comparison->left.is_variable && comparison->left.text == name) ||
                              (comparison->right.is_variable && comparison->right.text == name);
                     });
}

}  // namespace

MarkerEnvironment default_environment() {
  MarkerEnvironment environment;
  environment.variables = {{"implementation_name", "cpython"},
                           {"implementation_version", "3.12.0"},
                           {"os_name", "posix"},
                           {"platform_machine", "x86_64"},
                           {"platform_python_implementation", "CPython"},
                           {"platform_release", ""},
                           {"platform_system", "Linux"},
                           {"platform_version", ""},
                           {"python_full_version", "3.12.0"},
                           {"python_version", "3.12"},
                           {"sys_platform", "linux"}};
  return environment;
}

MarkerContext::MarkerContext(const MarkerEnvironment& environment) {
  auto data = std::make_shared<Data>();
  for (const auto& [name, value] : environment.variables) {
    const MarkerVariable variable = find_marker_variable(name);
    if (variable == MarkerVariable::other) data->others.emplace(name, value);
    if (static_cast<std::size_t>(variable) >= text_variable_count) continue;
    Data::Text text{value, std::nullopt};
    // An interpreter built from an untagged checkout says "3.13.0a1+", which is no version.
    if (variable == MarkerVariable::python_full_version && value.ends_with('+')) text.text += "local";
    if (is_version_variable(variable)) text.version = Version::try_parse(text.text);
    data->texts[static_cast<std::size_t>(variable)] = std::move(text);
  }
  data->extra = normalize_name(environment.extra.value_or(""));
  data->extras = normalize_names(environment.extras);
  data->dependency_groups = normalize_names(environment.dependency_groups);
  data->extra_mode = environment.extra_mode;
  data_ = std::move(data);
}

Marker Marker::parse(std::string_view text) {
  Cursor cursor(text, "marker");
  Marker marker(parse_marker_expression(cursor));
  if (!cursor.at_end()) cursor.fail("expected 'and', 'or' or the end");
  return marker;
}

std::optional<Marker> Marker::try_parse(std::string_view text) {
  try {
    return parse(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string Marker::str() const {
  std::string out;
  render_expression(*root_, true, out);
  return out;
}

bool Marker::evaluate(const MarkerEnvironment& environment) const {
  return evaluate(MarkerContext(environment));
}

bool Marker::evaluate(const MarkerContext& context) const {
  return evaluate_expression(*root_, context.data());
}

bool Marker::uses_extra() const noexcept { return mentions(*root_, "extra"); }

bool Marker::uses_extras() const noexcept { return mentions(*root_, "extras"); }

bool Marker::uses_dependency_groups() const noexcept { return mentions(*root_, "dependency_groups"); }

}  // namespace axle
