// Classes of files. The first rule that fits decides; each gives its reason.
//
// What is hard is native files, because a name does not tell an extension module from a library: torch has
// lib/libtorch.so beside _C.cpython-312-x86_64-linux-gnu.so, and an extension may be a plain foo.so. What can
// be imported has an identifier before its first dot and lies where every directory is an identifier, too; a
// tag of the interpreter (.cpython-..., .abi3) settles it, and so does a soname, which build tools give to
// libraries only.

#include "axle/wheel/classify.h"

#include <algorithm>

#include "axle/object/object_facts.h"
#include "base/text.h"

namespace axle {
namespace {

bool is_identifier(std::string_view text) noexcept {
  if (text.empty() || is_digit(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; });
}

// Whether modules directly in the directory can be imported by a dotted name.
bool is_importable_dir(const WheelFacts& facts, std::uint32_t index) {
  for (const DirFact* dir = &facts.dir(index); !facts.name(*dir).empty(); dir = &facts.dir(dir->parent)) {
    if (!is_identifier(facts.name(*dir))) return false;
  }
  return true;
}

// "_C.cpython-312-x86_64-linux-gnu.so", "x.abi3.so", "x.pypy310-pp73-....so", "x.cp312-win_amd64.pyd".
bool has_extension_tag(std::string_view name) noexcept {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view rest = name.substr(dot + 1);
  for (const std::string_view tag :
       {"cpython-", "abi3.", "abi3-", "abi3t.", "abi3t-", "pypy", "graalpy", "cp3"}) {
    if (rest.starts_with(tag)) return rest.ends_with(".so") || rest.ends_with(".pyd");
  }
  return false;
}

Classification classify_native(const WheelFacts& facts, std::uint32_t index) {
  const FileFact& file = facts.file(index);
  const std::string_view name = facts.name(file);
  const std::string_view stem = name.substr(0, name.find('.'));
  const auto object = facts.object_of(index);
  const ObjectFacts about = object ? facts.object(*object) : ObjectFacts{};
  if (object &&
      (about.kind == ObjectFacts::Kind::executable || about.kind == ObjectFacts::Kind::static_executable)) {
    return {FileClass::program, "a native executable by its header"};
  }
  const bool can_import = is_identifier(stem) && is_importable_dir(facts, file.dir);
  if (name.ends_with(".pyd") && can_import) {
    return {FileClass::extension, "ends in .pyd, and its name can be imported"};
  }
  if (can_import && has_extension_tag(name)) {
    return {FileClass::extension, "its suffix is that of extension modules"};
  }
  if (!about.soname.empty()) {
    return {FileClass::library, "names itself " + about.soname + ", as libraries do"};
  }
  if (can_import && name == std::string(stem) + ".so" && !stem.starts_with("lib")) {
    return {FileClass::extension, "ends in .so without a soname, and its name can be imported"};
  }
  if (object && about.kind == ObjectFacts::Kind::other) {
    return {FileClass::package_data, "a native object that nothing loads"};
  }
  return {FileClass::library,
          can_import ? "a native library by its name" : "a native library whose name cannot be imported"};
}

bool is_header_name(std::string_view name) noexcept {
  for (const std::string_view suffix : {".h", ".hh", ".hpp", ".hxx", ".cuh", ".pxd", ".pxi"}) {
    if (name.ends_with(suffix)) return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(FileClass file_class) noexcept {
  switch (file_class) {
    case FileClass::module:
      return "module";
    case FileClass::extension:
      return "extension";
    case FileClass::byte_code:
      return "byte-code";
    case FileClass::package_data:
      return "package-data";
    case FileClass::metadata:
      return "metadata";
    case FileClass::library:
      return "library";
    case FileClass::program:
      return "program";
    case FileClass::script:
      return "script";
    case FileClass::startup:
      return "startup";
    case FileClass::header:
      return "header";
    case FileClass::data:
      return "data";
  }
  return "";
}

Classification classify_file(const WheelFacts& facts, std::uint32_t index) {
  const FileFact& file = facts.file(index);
  const std::string_view name = facts.name(file);
  switch (facts.scheme_of(file)) {
    case Scheme::scripts:
      return {FileClass::script, "in the scripts of .data"};
    case Scheme::headers:
      return {FileClass::header, "in the headers of .data"};
    case Scheme::data:
      if (file.has(file_flag::native)) break;
      return {FileClass::data, "in the data of .data, below the environment's root"};
    default:
      break;
  }
  if (file.has(file_flag::dist_info)) return {FileClass::metadata, "in the dist-info"};
  if (file.has(file_flag::startup)) {
    return {FileClass::startup, "site reads " + std::string(name) + " at every start of the interpreter"};
  }
  if (file.has(file_flag::native)) return classify_native(facts, index);
  // Facts that were made of another tool's RECORD know names only.
  if (has_extension_tag(name)) return {FileClass::extension, "its suffix is that of extension modules"};
  if (file.has(file_flag::pyc) || name.ends_with(".pyc")) {
    return {FileClass::byte_code, "compiled Python by its name"};
  }
  if (name.ends_with(".py")) {
    const std::string_view stem = name.substr(0, name.size() - 3);
    if (is_identifier(stem) && is_importable_dir(facts, file.dir)) {
      return {FileClass::module, file.has(file_flag::init) ? "makes its directory a package"
                                                           : "Python source whose name can be imported"};
    }
    return {FileClass::package_data, "Python source, but its path is no name to import"};
  }
  if (is_header_name(name)) return {FileClass::header, "a header by its name"};
  const bool inside = !facts.name(facts.dir(file.dir)).empty();
  return {FileClass::package_data,
          inside ? "no code, in a directory of packages" : "no code, beside the packages"};
}

}  // namespace axle
