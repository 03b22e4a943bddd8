#include "axle/wheel/editable.h"

#include <algorithm>

#include "axle/archive/render.h"
#include "axle/base/digest.h"
#include "axle/base/error.h"
#include "axle/pep/name.h"

namespace axle {
namespace {

// spec: "Binary distribution format", Escaping and Unicode.
std::string escaped(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

// site strips blanks at the end of a line, and takes "import " at its beginning for code; an absolute path
// cannot begin so.
void require_pth_line(const std::string& directory) {
  const bool odd = std::any_of(directory.begin(), directory.end(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!directory.starts_with('/') || odd || directory.ends_with(' ')) {
    throw Error(ErrorCode::unsupported, Place{directory}, "cannot be named in a .pth file",
                "move the project to a directory without control characters in its name");
  }
}

std::string record_row(const NewMember& member) {
  return member.name + ",sha256=" + Sha256::of(member.content).base64url() + "," +
         std::to_string(member.content.size()) + "\n";
}

}  // namespace

EditableWheel make_editable_wheel(const EditableProject& project) {
  const std::string stem = escaped(normalize_name(project.name)) + "-" + escaped(project.version);
  const std::string info = stem + ".dist-info/";
  std::string lines;
  for (const std::string& directory : project.directories) {
    require_pth_line(directory);
    lines += directory + "\n";
  }
  std::vector<NewMember> members{
      {"__editable__." + stem + ".pth", lines},
      {info + "METADATA", project.metadata},
      {info + "WHEEL", "Wheel-Version: 1.0\nGenerator: axle\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
  };
  if (!project.entry_points.empty()) members.push_back({info + "entry_points.txt", project.entry_points});
  std::string record;
  for (const NewMember& member : members) record += record_row(member);
  members.push_back({info + "RECORD", record + info + "RECORD,,\n"});
  return {stem + "-py3-none-any.whl", render_archive(members)};
}

}  // namespace axle
