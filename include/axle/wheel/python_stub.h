#pragma once
// What a small __init__.py means, told by its tokens. Two stubs that differ in comments, white space, quotes
// and the docstring are one stub.

#include <cstdint>
#include <optional>
#include <string_view>

#include "axle/base/digest.h"

namespace axle {

enum class InitKind : std::uint8_t {
  regular,        // anything else, and whatever cannot be read with certainty
  empty,          // nothing but comments and a docstring
  pkgutil,        // extends its path: extend_path(__path__, __name__)
  pkg_resources,  // declares a namespace: declare_namespace(__name__)
};
std::string_view to_string(InitKind kind) noexcept;

// Larger files are `regular` and compare by their bytes.
inline constexpr std::size_t max_stub_size = 64 << 10;

struct InitMeaning {
  InitKind kind = InitKind::regular;
  // Equal for texts of equal tokens. Of a text that cannot be read with certainty (not UTF-8, an odd encoding
  // declared, formatted strings, an open bracket or string), or that is too large, it is a digest of the
  // bytes.
  Sha256 token_digest;
};

// Total, pure, thread-safe, linear time.
InitMeaning classify_init(std::string_view text);
// The same unless it is regular, and faster, because most are.
std::optional<InitMeaning> find_stub(std::string_view text);
bool same_tokens(std::string_view a, std::string_view b);

}  // namespace axle
