#pragma once
// The interpreter's tree of a bundle: what of an installation's prefix goes along.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/env/interpreter.h"

namespace axle {

enum class TreeExtent { program, whole };

// A file, link or directory of the tree.
struct TreeMember {
  std::string path;  // below the prefix, and in the bundle
  char kind = 'f';   // 'd', 'f', 'l'
  bool executable = false;
  std::uint64_t size = 0;
  std::string target;  // of a link, as it stands there
};

// What programs need: bin/pythonX.Y and the links to it, the standard library, libpython where it is shared.
// Never what was installed into the tree (site-packages), byte-code of optimised runs, or byte-code that does
// not belong to its source as it is. `program` leaves out what running programs do not need: tests, Tk,
// IDLE, ensurepip, headers, the static library. Sorted by path, directories before what they hold. Links that
// lead out of the tree are followed. Throws Error(io); Error(unsupported) for a prefix that holds no standard
// library, or in which /usr shares its directories with the rest of the system.
std::vector<TreeMember> list_python_tree(const Interpreter& interpreter, TreeExtent extent);

// A file of byte-code made independent of its source's time (PEP 552, unchecked); nullopt when it does not
// belong to `source`.
std::optional<std::string> settle_byte_code(std::string_view byte_code, std::string_view source,
                                            std::int64_t source_mtime);

}  // namespace axle
