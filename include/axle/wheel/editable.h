#pragma once
// The wheel that installs a project in place: a .pth file that names the project's directories, and metadata.
// spec: PEP 660 ("What to put in the wheel").

#include <string>
#include <vector>

namespace axle {

struct EditableProject {
  std::string name;
  std::string version;
  std::string metadata;                  // METADATA
  std::string entry_points;              // entry_points.txt; "" for none
  std::vector<std::string> directories;  // absolute; where modules are found
};
struct EditableWheel {
  std::string file_name;
  std::string bytes;
};

// The same project gives the same bytes. Throws Error(unsupported) for a directory that no .pth line can
// name. Thread-safe.
EditableWheel make_editable_wheel(const EditableProject& project);

}  // namespace axle
