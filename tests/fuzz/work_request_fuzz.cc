// Work requests: a stream comes to the same messages however it is cut, and every message has a reading or an
// error.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "action/work_protocol.h"
#include "axle/base/error.h"

namespace {

// The first byte says how the stream is cut; "!" ends a stream in which nothing more can be found.
std::vector<std::string> messages(axle::WorkForm form, std::string_view stream, std::size_t piece) {
  std::vector<std::string> found;
  axle::WorkFrames frames(form);
  try {
    while (!stream.empty()) {
      frames.append(stream.substr(0, piece));
      stream.remove_prefix(stream.size() < piece ? stream.size() : piece);
      while (const auto message = frames.next()) found.emplace_back(*message);
    }
  } catch (const axle::Error&) {
    found.emplace_back("!");
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  static_cast<void>(axle::detect_form(stream));
  for (const axle::WorkForm form : {axle::WorkForm::json, axle::WorkForm::protobuf}) {
    const std::vector<std::string> whole = messages(form, stream, stream.size() + 1);
    if (messages(form, stream, 1 + data[0] % 7U) != whole) std::abort();
    for (const std::string& message : whole) {
      static_cast<void>(axle::guess_request_id(form, message));
      try {
        static_cast<void>(axle::parse_work_request(form, message));
      } catch (const axle::Error&) {
      }
    }
  }
  return 0;
}
