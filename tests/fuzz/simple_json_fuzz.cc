// A project page in JSON: an error or files that are safe to name and to fetch.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "axle/store/simple_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const axle::IndexFile& file :
         axle::parse_simple_json(text, "https://index.example/simple/a/").files) {
      if (!axle::RelPath::try_parse(file.filename) || file.filename.find('/') != std::string::npos)
        std::abort();
      // With a fault it is never fetched.
      const bool web = file.url.starts_with("https://") || file.url.starts_with("http://");
      if (!web && file.fault.empty()) std::abort();
      for (const axle::Hash& hash : file.hashes) {
        if (!axle::is_strong(hash.algorithm)) std::abort();
      }
    }
  } catch (const axle::Error&) {
    // A page may be malformed; it may not do anything else.
  }
  return 0;
}
