// axle python [PY]: the interpreter that was found, and how.

#include "axle/base/error.h"
#include "axle/pep/tag.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/python_facts_json.h"
#include "cli/report.h"

namespace axle::cli {

int run_python(const Options& given) {
  Options options = given;
  if (options.arguments.size() > 1)
    throw Error(ErrorCode::usage, "python takes one interpreter", "axle python [PY]");
  if (!options.arguments.empty()) options.python = options.arguments.front();
  const Interpreter interpreter = find_interpreter_for(options, find_place(options));
  if (options.json) {
    print_text(render_interpreter_facts(interpreter), options);
    return 0;
  }
  std::string text;
  const auto row = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    std::string padded(name);
    padded.resize(16, ' ');
    text += padded + value + "\n";
  };
  row("executable", interpreter.executable);
  row("base", interpreter.base_executable);
  row("version", interpreter.implementation + " " + interpreter.version);
  row("abi", interpreter.abi);
  row("platform", interpreter.platform);
  row("prefix", interpreter.base_prefix);
  row("stdlib", interpreter.stdlib);
  row("site-packages", interpreter.system.purelib);
  row("environment", interpreter.venv);
  row("found", interpreter.found);
  print_text(text, options);
  return 0;
}

}  // namespace axle::cli
