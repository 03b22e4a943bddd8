#include "cli/debug_archive.h"

#include <fcntl.h>

#include "axle/archive/archive.h"
#include "cli/debug_args.h"

namespace axle::cli {
namespace {

nlohmann::json zip_audit(const nlohmann::json& args) {
  check_count(args, 1, 1);
  const Archive archive = Archive::open(AT_FDCWD, as_string(args[0], "path"));
  ReadBuffer buffer;
  for (const Member& member : archive.members()) {
    if (member.size <= Archive::max_read_size) {
      archive.read(member, buffer);
    } else {
      archive.stream(member, [](std::string_view) {});
    }
  }
  return {{"entries", archive.members().size()}};
}

}  // namespace

std::optional<nlohmann::json> run_archive_operation(std::string_view op, const nlohmann::json& args) {
  if (op == "zip-audit") return zip_audit(args);
  return std::nullopt;
}

}  // namespace axle::cli
