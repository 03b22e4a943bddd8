#pragma once
// What the library tells its caller besides results: it never prints.

#include <string>
#include <vector>

namespace axle {

enum class Severity { note, warning, error };

// One finding that is not an error of the run. `kind` is stable and lower-case with dashes
// ("file-changed", "startup-hook"); the other fields may be empty.
struct Diagnostic {
  Severity severity = Severity::warning;
  std::string kind;
  std::string distribution;
  std::string path;
  std::string message;
  std::string hint;

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

using Diagnostics = std::vector<Diagnostic>;

}  // namespace axle
