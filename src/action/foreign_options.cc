#include "action/foreign_options.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

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
// What others do and axle does not, and what to do instead.
constexpr std::string_view patch_hint = "patch the tree in a step after this one, or the wheel before it";
constexpr std::string_view compile_hint =
    "an action runs no Python: run python -m compileall --invalidation-mode unchecked-hash in a step after "
    "it";
constexpr std::pair<std::string_view, std::string_view> refused[] = {
    {"--patch", patch_hint},         {"--patch-strip", patch_hint},
    {"--patch-tool", patch_hint},    {"--preserve-path", patch_hint},
    {"--compile-pyc", compile_hint}, {"--pyc-invalidation-mode", compile_hint},
    {"--compile", compile_hint}};

template <std::size_t size>
bool is_among(std::string_view name, const std::string_view (&names)[size]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

bool is_ignored_option(std::string_view name) noexcept { return is_among(name, ignored_with_value); }
bool is_ignored_flag(std::string_view name) noexcept { return is_among(name, ignored_flags); }

void refuse_foreign(std::string_view name) {
  for (const auto& [word, hint] : refused) {
    if (word != name) continue;
    throw Error(ErrorCode::unsupported, std::string(name) + " is nothing that axle action does",
                std::string(hint));
  }
}

}  // namespace axle
