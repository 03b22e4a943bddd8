#pragma once
// What a file of a wheel is to a Python program, and why it is taken for that. For people and for rules that
// choose files by what they are; it never changes how a file is installed.

#include <cstdint>
#include <string>
#include <string_view>

#include "axle/wheel/facts.h"

namespace axle {

enum class FileClass : std::uint8_t {
  module,        // Python source that can be imported
  extension,     // a native module that can be imported
  byte_code,     // compiled Python
  package_data,  // everything else below a package or beside it
  metadata,      // of the dist-info
  library,       // a native library that others load
  program,       // a native executable
  script,        // goes to bin
  startup,       // runs, or can run, at every start of the interpreter
  header,        // for compilers
  data,          // below the environment's own root: share/, etc/
};
inline constexpr FileClass all_file_classes[] = {
    FileClass::module,   FileClass::extension, FileClass::byte_code, FileClass::package_data,
    FileClass::metadata, FileClass::library,   FileClass::program,   FileClass::script,
    FileClass::startup,  FileClass::header,    FileClass::data,
};
// "module", "byte-code", "package-data", ...
std::string_view to_string(FileClass file_class) noexcept;

struct Classification {
  FileClass file_class = FileClass::package_data;
  std::string reason;  // a phrase: "ends in .so with the tag of an extension module"
};

// Pure, thread-safe. `file` is an index into facts.files().
Classification classify_file(const WheelFacts& facts, std::uint32_t file);

}  // namespace axle
