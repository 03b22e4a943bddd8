#include "cli/python_facts_json.h"

#include <nlohmann/json.hpp>

namespace axle {

std::string render_interpreter_facts(const Interpreter& interpreter) {
  nlohmann::ordered_json facts;
  facts["schema"] = 1;
  facts["version"] = interpreter.version;
  facts["platform"] = interpreter.platform;
  facts["executable"] = interpreter.executable;
  facts["base_executable"] = interpreter.base_executable;
  facts["implementation"] = interpreter.implementation;
  facts["implementation_version"] = interpreter.implementation_version;
  facts["abi"] = interpreter.abi;
  facts["abi_flags"] = interpreter.abi_flags;
  facts["free_threaded"] = interpreter.free_threaded;
  facts["debug"] = interpreter.debug;
  // These three follow from the platform; they stand for readers.
  facts["os"] = to_string(interpreter.os);
  facts["arch"] = interpreter.arch;
  facts["libc"] = to_string(interpreter.libc);
  facts["base_prefix"] = interpreter.base_prefix;
  facts["stdlib"] = interpreter.stdlib;
  facts["platlibdir"] = interpreter.platlibdir;
  facts["ext_suffix"] = interpreter.ext_suffix;
  facts["cache_tag"] = interpreter.cache_tag;
  facts["system"] = {{"purelib", interpreter.system.purelib},
                     {"platlib", interpreter.system.platlib},
                     {"scripts", interpreter.system.scripts},
                     {"data", interpreter.system.data},
                     {"headers", interpreter.system.headers}};
  facts["venv"] = interpreter.venv;
  facts["system_site_packages"] = interpreter.system_site_packages;
  facts["foreign"] = interpreter.foreign;
  facts["found"] = interpreter.found;
  return facts.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace axle
