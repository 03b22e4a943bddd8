#include "lock/requirements_options.h"

namespace axle::lockfile {
namespace {

struct OptionRow {
  std::string_view name;
  OptionKind kind;
};

constexpr OptionRow option_rows[] = {
    {"-r", OptionKind::requirement_file},
    {"--requirement", OptionKind::requirement_file},
    {"-c", OptionKind::constraint_file},
    {"--constraint", OptionKind::constraint_file},
    {"-e", OptionKind::editable},
    {"--editable", OptionKind::editable},
    {"-i", OptionKind::index_url},
    {"--index-url", OptionKind::index_url},
    {"--extra-index-url", OptionKind::extra_index_url},
    {"-f", OptionKind::find_links},
    {"--find-links", OptionKind::find_links},
    {"--no-binary", OptionKind::no_binary},
    {"--only-binary", OptionKind::only_binary},
    {"--no-index", OptionKind::no_index},
    {"--require-hashes", OptionKind::require_hashes},
    {"--prefer-binary", OptionKind::ignored},
    {"--pre", OptionKind::ignored},
    {"--trusted-host", OptionKind::ignored_with_value},
    {"--use-feature", OptionKind::ignored_with_value},
};

}  // namespace

std::optional<OptionKind> find_option(std::string_view name) noexcept {
  for (const OptionRow& row : option_rows) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

bool takes_value(OptionKind kind) noexcept {
  return kind != OptionKind::no_index && kind != OptionKind::require_hashes && kind != OptionKind::ignored;
}

}  // namespace axle::lockfile
