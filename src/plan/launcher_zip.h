#pragma once
// The archive at the end of a launcher, which Python runs when it is given the launcher as its script. Pure.

#include <string>
#include <string_view>

namespace axle {

// A stored zip that holds `main_py` as __main__.py and nothing else; the same bytes for the same input.
// Throws Error(bad_input) for more than 64 MiB.
std::string render_main_zip(std::string_view main_py);

}  // namespace axle
