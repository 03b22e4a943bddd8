// Zips of every kind: the input as it is, and a legal zip whose bytes the input changes (three bytes each:
// where, what). No input may crash or hang; what is accepted must read the same at once and in pieces.

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "archive/open_zip.h"
#include "axle/archive/archive.h"
#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "support/zip_writer.h"

namespace {

// What the others accept is read with its matches too, in steps of any size.
void compare_matches(const axle::Archive& archive, const axle::Member& member, const std::string& wanted,
                     bool refused) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
    try {
      if (axle::test::read_by_matches(archive, member, step) != wanted && !refused) std::abort();
    } catch (const axle::Error& error) {
      if (!refused || error.code() == axle::ErrorCode::io) std::abort();
    }
  }
}

void audit(const std::string& bytes) {
  axle::Fd fd(memfd_create("zip", MFD_CLOEXEC));
  axle::write_all(fd, bytes, "input");
  try {
    const axle::Archive archive = axle::Archive::open(std::move(fd), "input");
    axle::ReadBuffer buffer;
    for (const axle::Member& member : archive.members()) {
      if (member.size > axle::Archive::max_read_size) continue;
      std::string streamed;
      bool refused = false;
      try {
        archive.stream(member, [&](std::string_view piece) { streamed += piece; });
      } catch (const axle::Error&) {
        refused = true;
      }
      try {
        if (archive.read(member, buffer) != streamed || refused) std::abort();
      } catch (const axle::Error&) {
        if (!refused) std::abort();
      }
      if (member.method == axle::ZipMethod::deflate) compare_matches(archive, member, streamed, refused);
    }
  } catch (const axle::Error&) {
  }
}

std::string base_zip() {
  axle::test::Zip zip = axle::test::zip_of({{"a/", ""}, {"a/b.py", "x = 1\nx = 1\n"}, {"c", "text"}});
  zip.items[1].descriptor.emplace();
  zip.items[2].deflate = false;
  zip.zip64.emplace();
  zip.comment = "comment";
  return zip.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  audit(std::string(reinterpret_cast<const char*>(data), size));
  static const std::string base = base_zip();
  std::string bytes = base;
  for (std::size_t i = 0; i + 3 <= size; i += 3) {
    bytes[(data[i] * 256U + data[i + 1]) % bytes.size()] = static_cast<char>(data[i + 2]);
  }
  audit(bytes);
  return 0;
}
