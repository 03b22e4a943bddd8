// pyvenv.cfg as CPython reads it. spec: PEP 405; Lib/site.py, Modules/getpath.py.

#include "axle/base/error.h"
#include "axle/env/interpreter.h"
#include "base/text.h"

namespace axle {

PyvenvConfig parse_pyvenv_config(std::string_view text, std::string_view name) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::bad_input, Place{std::string(name)}, "is not UTF-8 text",
                "make the environment anew with 'axle venv --clear'");
  }
  PyvenvConfig config;
  bool has_system = false;
  const auto set_once = [](std::string& field, std::string_view value) {
    if (field.empty()) field = value;
  };
  for (std::string_view line : split_lines(text)) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string key = ascii_lower(trim(line.substr(0, equals)));
    const std::string_view value = trim(line.substr(equals + 1));
    if (key == "home") set_once(config.home, value);
    if (key == "version" || key == "version_info") set_once(config.version, value);
    if (key == "prompt") set_once(config.prompt, value);
    if (key == "implementation") set_once(config.implementation, value);
    if (key == "relocatable") config.relocatable = ascii_iequal(value, "true");
    if (key == "include-system-site-packages" && !has_system) {
      has_system = true;
      config.system_site_packages = ascii_iequal(value, "true");
    }
  }
  return config;
}

}  // namespace axle
