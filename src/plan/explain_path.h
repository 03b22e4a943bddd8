#pragma once
// Why something lies at a path of an environment: whose it is, out of which wheel, as what, by which rule.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/env/layout.h"
#include "axle/plan/diff.h"
#include "axle/wheel/classify.h"

namespace axle {

struct PathExplanation {
  RelPath path;
  // environment-file, wheel-file, shared-file, entry-point, rewritten-script, installer-file, record,
  // byte-code, package-directory, other-tool, left-out, unrecorded. docs/json.md says what each means.
  std::string rule;
  std::string reason;  // the rule in words, with its particulars
  std::string laid;    // file, symlink, inside-symlink, directory; "" when nothing is there by axle
  std::string link;    // the path of the symbolic link, when it is behind one
  std::vector<std::string> owners;  // normalized names; the first has the bytes
  std::string wheel;                // file name; "" when no wheel brought it
  std::string wheel_sha256;
  std::string member;  // "purelib: demo/__init__.py"
  std::optional<Classification> classification;
};

// `link_mode` is what the receipt says, or "". Pure.
PathExplanation explain_path(const State& state, const Layout& layout, std::string_view link_mode,
                             const RelPath& path);

}  // namespace axle
