#pragma once
// direct_url.json of a project that is installed in place; of an archive: axle/plan/select.h.

#include <string>
#include <string_view>

namespace axle {

// The JSON text for an absolute directory. spec: "Direct URL Data Structure", dir_info.
std::string render_editable_url(std::string_view directory);

}  // namespace axle
