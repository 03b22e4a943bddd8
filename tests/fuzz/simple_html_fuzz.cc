// A page of links in HTML: an error or files that are safe to name and to fetch. The same bytes serve as a
// URL.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "axle/store/simple_index.h"
#include "store/http_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const std::string page : {"https://index.example/simple/a/", "file:///srv/links.html"}) {
    try {
      for (const axle::IndexFile& file : axle::parse_simple_html(text, page).files) {
        if (!axle::RelPath::try_parse(file.filename) || file.filename.find('/') != std::string::npos)
          std::abort();
        const bool web = file.url.starts_with("https://") || file.url.starts_with("http://");
        const bool local = file.url.starts_with("file:") && !page.starts_with("https");
        if (!web && !local && file.fault.empty()) std::abort();  // with a fault it is never fetched
      }
    } catch (const axle::Error&) {
      // A page may be malformed; it may not do anything else.
    }
  }
  axle::redact_url(text);
  if (const auto url = axle::parse_url(text)) {
    // What is connected to is what was checked: the text without secrets says the same.
    const auto again = axle::parse_url(url->text);
    if (!again || again->origin() != url->origin() || !again->user.empty()) std::abort();
    if (!url->password.empty() && axle::redact_url(text).find("****") == std::string::npos) std::abort();
  }
  if (size < 4096) {
    const auto path = axle::find_file_url_path(axle::make_file_url("/" + text));
    if (text.find('\0') == std::string::npos && path != "/" + text) std::abort();
  }
  return 0;
}
