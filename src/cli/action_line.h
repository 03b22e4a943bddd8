#pragma once
// The command line of `axle action` and `axle worker`. It has options of its own, quoted parameter files, and
// not a millisecond to lose, so it does not go through the parser of the other commands.

#include <optional>
#include <string>
#include <vector>

namespace axle::cli {

struct ActionLine {
  std::string command;                 // "action" or "worker"
  std::vector<std::string> arguments;  // all others, parameter files not yet read
};
// nullopt when it is another command's, or asks for help. "--persistent_worker" makes a worker of an action,
// as Bazel starts one.
std::optional<ActionLine> find_action(int argc, const char* const* argv);

}  // namespace axle::cli
