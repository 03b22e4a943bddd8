// RECORD of an installed distribution: whatever a row says, its path is below the root or none.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "axle/base/error.h"
#include "axle/env/installed.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* platform : {"linux_x86_64", "win_amd64"}) {
    const Interpreter python = foreign_interpreter({"3.11.7", platform, ""});
    const Layout layout = venv_layout(python, python.os == Os::windows ? "C:\\env" : "/env");
    const InstalledDist dist{"demo", "demo", "1.0",
                             layout.purelib->join(RelPath::parse("demo-1.0.dist-info"))};
    try {
      for (const InstalledFile& file : parse_installed_record(text, layout, dist, "RECORD")) {
        if (!file.path) continue;
        // What a row resolves to is named again by a row that resolves to the same.
        const std::string again = record_path(layout.purelib, *file.path);
        if (resolve_record_path(layout, layout.purelib, again) != file.path) std::abort();
      }
    } catch (const Error&) {
    }
  }
  return 0;
}
