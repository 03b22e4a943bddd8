#pragma once
// An archive as bytes, for wheels that axle makes itself.

#include <span>
#include <string>
#include <string_view>

namespace axle {

struct NewMember {
  std::string name;  // a valid RelPath
  std::string content;
};

// A zip of these members in their order: stored, mode 0644, the first time that a zip can say. The same
// members give the same bytes. Throws Error(unsupported) for more than a zip without ZIP64 holds.
// Thread-safe. spec: PKWARE APPNOTE 6.3.10, 4.3.
std::string render_archive(std::span<const NewMember> members);

}  // namespace axle
