#include "cli/without_links.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "base/file.h"
#include "exec/link_mode.h"

namespace axle::cli {
namespace {

// A copy finds what it needs by an absolute path, or in the system's directories; not beside the original.
void require_starts_elsewhere(const std::string& interpreter, const std::string& bytes) {
  const auto facts = read_object(bytes);
  if (!facts) return;
  const std::string paths = facts->runpath.value_or(facts->rpath.value_or(""));
  const bool brings_library = std::any_of(facts->needed.begin(), facts->needed.end(), [](const auto& name) {
    return name.starts_with("libpython") || name.starts_with("libpypy");
  });
  if (!brings_library || paths.find("$ORIGIN") == std::string::npos) return;
  throw Error(ErrorCode::unsupported, Place{interpreter},
              "is needed as a copy, because the environment's file system has no symbolic links, and a copy "
              "would not find the library beside the original",
              "choose another place for the environment, or another interpreter");
}

bool links_wheels(const PlanInput& input) { return input.policy.link_mode == LinkMode::symlink; }

bool links_interpreter(const PlanInput& input) {
  return input.venv && input.venv->interpreter == VenvInterpreter::linked && input.layout.os != Os::windows &&
         !input.interpreter.foreign;
}

void copy_instead(int why, PlanInput& input, Diagnostics& notes) {
  const std::string said = std::string(" (") + std::strerror(why) + ")";
  if (links_wheels(input)) {
    input.policy.link_mode = LinkMode::copy;
    notes.push_back({Severity::warning, "link-mode", "", input.layout.root,
                     "symbolic links are not possible here" + said + "; files are copied",
                     "choose another place, or use --link-mode copy"});
  }
  if (!links_interpreter(input)) return;
  const std::string& interpreter = input.interpreter.base_executable;
  input.venv->interpreter = VenvInterpreter::copied;
  input.venv->executable = read_file(AT_FDCWD, interpreter);
  require_starts_elsewhere(interpreter, input.venv->executable);
  notes.push_back({Severity::note, "interpreter-copied", "", interpreter,
                   "is copied into the environment: symbolic links are not possible here" + said, ""});
}

}  // namespace

void do_without_links(const Fd& root, PlanInput& input, Diagnostics& notes) {
  if (!links_wheels(input) && !links_interpreter(input)) return;
  if (const int why = why_no_symlink(root); why != 0) copy_instead(why, input, notes);
}

void foresee_without_links(const Fd& root, const Installation& installation, PlanInput& input,
                           Diagnostics& notes) {
  if (!links_wheels(input) && !links_interpreter(input)) return;
  if (const int why = foresee_no_symlink(root, installation.state); why != 0) copy_instead(why, input, notes);
}

}  // namespace axle::cli
