// spec: PEP 668 "Externally managed environments".

#include <fcntl.h>

#include "axle/env/interpreter.h"
#include "base/file.h"
#include "base/text.h"
#include "env/paths.h"

namespace axle {
namespace {

constexpr const char* general_message = "This Python installation is managed by the operating system.";

// The value of `Error` in section [externally-managed], with its continuation lines; "" when there is none.
std::string error_message_in(std::string_view text) {
  std::string message;
  bool in_section = false;
  bool in_value = false;
  for (std::string_view line : split_lines(text)) {
    if (line.starts_with('[')) {
      in_section = trim(line) == "[externally-managed]";
      in_value = false;
      continue;
    }
    if (!in_section || line.starts_with('#') || line.starts_with(';')) continue;
    const bool continues = !line.empty() && is_space(line.front());
    if (in_value && (continues || line.empty())) {
      message += "\n";
      message += trim(line);
      continue;
    }
    in_value = false;
    const std::size_t separator = line.find_first_of("=:");
    if (separator == std::string_view::npos) continue;
    if (ascii_iequal(trim(line.substr(0, separator)), "Error")) {
      in_value = true;
      message = trim(line.substr(separator + 1));
    }
  }
  return std::string(trim(message));
}

}  // namespace

std::optional<std::string> read_externally_managed(const Interpreter& interpreter) {
  if (!interpreter.venv.empty() || interpreter.foreign || interpreter.stdlib.empty()) return std::nullopt;
  const std::string file = path_in(interpreter.stdlib, "EXTERNALLY-MANAGED");
  const std::optional<std::string> text = try_read_file(AT_FDCWD, file, 1U << 20);
  if (!text) return std::nullopt;
  std::string message = is_utf8(*text) ? error_message_in(*text) : std::string();
  return message.empty() ? std::string(general_message) : message;
}

}  // namespace axle
