#pragma once
// SHA-256 of many texts at once, faster than one after the other.

#include <span>
#include <string_view>

#include "axle/base/digest.h"

namespace axle {

// digests[i] becomes that of texts[i]; both are equally long. Large texts first make the best of it.
void sha256_each(std::span<const std::string_view> texts, std::span<Sha256> digests);

}  // namespace axle
