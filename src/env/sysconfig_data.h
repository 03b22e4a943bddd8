#pragma once
// The variables that CPython's build left in its standard library, read without running them:
// _sysconfigdata_*.py (one dictionary literal), _sysconfig_vars_*.json and build-details.json (both
// from 3.14), and patchlevel.h. Pure.

#include <optional>
#include <string>
#include <string_view>

namespace axle {

struct SysconfigVars {
  std::string version;  // "3.11"
  std::string abi_flags;
  std::string ext_suffix;
  std::string soabi;  // "cpython-311-x86_64-linux-gnu"
  std::string platlibdir;
  std::string multiarch;
  bool free_threaded = false;
  bool debug = false;
};

// Reads `build_time_vars = {'KEY': 'text' or number, ...}`; adjacent string literals are one text. nullopt
// when the file has another shape: then it is not to be trusted. Linear in its length.
std::optional<SysconfigVars> parse_sysconfig_data(std::string_view python_source);
// The same as JSON; nullopt when it is none.
std::optional<SysconfigVars> parse_sysconfig_json(std::string_view text);

// spec: PEP 739, schema version 1.x. Only what stands for itself is taken; paths in it are known to be wrong
// at times.
struct BuildDetails {
  std::string version;  // "3.14.0", "3.15.0rc1"
  std::string implementation;
  std::string implementation_version;
  std::string cache_tag;
  std::string ext_suffix;
  bool free_threaded = false;
  bool debug = false;
};
// nullopt for malformed ones and for other major schema versions.
std::optional<BuildDetails> parse_build_details(std::string_view text);

// PY_VERSION of patchlevel.h: "3.11.7", without the "+" of a development tree; "" when it is not there.
std::string parse_patchlevel(std::string_view header);
// The only text of the form "3.11.7" between NULs in a program or libpython, for `minor` "3.11"; "" when
// there is none or more than one.
std::string find_version_in_binary(std::string_view bytes, std::string_view minor);

}  // namespace axle
