#include "exec/oci_names.h"

#include <ctime>
#include <map>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {

OciPlatform oci_platform(const std::string& arch) {
  // spec: config.md, "architecture": GOARCH; image-index.md, variants of arm.
  static const std::map<std::string, OciPlatform> known = {
      {"x86_64", {"amd64", ""}},        {"amd64", {"amd64", ""}},  {"aarch64", {"arm64", ""}},
      {"arm64", {"arm64", ""}},         {"i686", {"386", ""}},     {"x86", {"386", ""}},
      {"armv7l", {"arm", "v7"}},        {"armv6l", {"arm", "v6"}}, {"ppc64le", {"ppc64le", ""}},
      {"ppc64", {"ppc64", ""}},         {"s390x", {"s390x", ""}},  {"riscv64", {"riscv64", ""}},
      {"loongarch64", {"loong64", ""}},
  };
  const auto found = known.find(arch);
  if (found != known.end()) return found->second;
  throw Error(ErrorCode::unsupported, "an OCI image has no name for the architecture " + axle::quoted(arch),
              "write a tar with -o FILE");
}

std::string oci_time(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char text[64];
  if (gmtime_r(&time, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
    throw Error(ErrorCode::usage, "SOURCE_DATE_EPOCH is too far in the future for an image's date");
  }
  return text;
}

void check_layer_count(std::size_t count) {
  if (count <= oci_max_layers) return;
  throw Error(ErrorCode::unsupported,
              std::to_string(count) + " layers are more than container engines take (" +
                  std::to_string(oci_max_layers) + ")",
              "make fewer with --split size:N");
}

}  // namespace axle
