#include "cli/debug_object.h"

#include <fcntl.h>

#include <string>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "base/fd.h"

namespace axle::cli {

namespace {

nlohmann::json or_null(const std::optional<std::string>& text) {
  return text ? nlohmann::json(*text) : nullptr;
}

nlohmann::json elf_facts(const std::string& path) {
  const Fd fd = open_file(AT_FDCWD, path);
  const auto facts = read_object_file(fd.get(), path);
  if (!facts || facts->format != ObjectFacts::Format::elf) {
    throw Error(ErrorCode::bad_input, Place{path}, "is not an ELF file");
  }
  if (!facts->error.empty()) throw Error(ErrorCode::bad_input, Place{path}, facts->error);
  return {{"needed", facts->needed},
          {"soname", facts->soname.empty() ? nlohmann::json() : nlohmann::json(facts->soname)},
          {"rpath", or_null(facts->rpath)},
          {"runpath", or_null(facts->runpath)},
          {"machine", facts->machine},
          {"bits", facts->bits}};
}

}  // namespace

std::optional<nlohmann::json> run_object_operation(std::string_view op, const nlohmann::json& args) {
  if (op != "elf-facts") return std::nullopt;
  if (!args.is_array() || args.size() != 1 || !args[0].is_string()) {
    throw Error(ErrorCode::usage, "elf-facts takes one path");
  }
  return elf_facts(args[0].get<std::string>());
}

}  // namespace axle::cli
