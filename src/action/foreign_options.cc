#include "action/foreign_options.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "axle/base/error.h"

namespace axle {
namespace {

// Common options that mean nothing to an action: every command takes them (docs/cli.md).
constexpr std::string_view ignored_with_value[] = {"--target",
                                                   "--prefix",
                                                   "--root",
                                                   "--extra",
                                                   "--group",
                                                   "--no-group",
                                                   "--only-group",
                                                   "--find-links",
                                                   "-f",
                                                   "--exclude",
                                                   "--only",
                                                   "--index",
                                                   "--index-url",
                                                   "-i",
                                                   "--extra-index-url",
                                                   "--store",
                                                   "--lock-format",
                                                   "-r",
                                                   "--requirement",
                                                   "--concurrency",
                                                   "--color",
                                                   "--patch-tool",
                                                   "--older-than",
                                                   "--keep-used-by"};
constexpr std::string_view ignored_flags[] = {"--system",
                                              "--break-system-packages",
                                              "--all-extras",
                                              "--all-groups",
                                              "--no-default-groups",
                                              "--offline",
                                              "--no-index",
                                              "--require-hashes",
                                              "--allow-empty",
                                              "--allow-missing",
                                              "--no-store",
                                              "--repair",
                                              "--reinstall",
                                              "--force",
                                              "--durable",
                                              "--no-wait",
                                              "--exact",
                                              "--relocatable",
                                              "--clear",
                                              "--check",
                                              "--pins",
                                              "--native",
                                              "--quick",
                                              "-v",
                                              "--verbose",
                                              "--no-progress",
                                              "--editable-local",
                                              "--persistent_worker"};
// Every command takes it; only here it is not done.
constexpr std::string_view compile = "--compile";

template <std::size_t size>
bool is_among(std::string_view name, const std::string_view (&names)[size]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

bool is_ignored_option(std::string_view name) noexcept { return is_among(name, ignored_with_value); }
bool is_ignored_flag(std::string_view name) noexcept { return is_among(name, ignored_flags); }

void refuse_foreign(std::string_view name) {
  if (name != compile) return;
  throw Error(ErrorCode::unsupported, "an action does not look for an interpreter to compile with",
              "name it as an input: --compile-pyc PYTHON");
}

}  // namespace axle
