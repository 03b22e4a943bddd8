#include "archive/format.h"

#include "axle/base/error.h"
#include "base/text.h"

namespace axle::zip {

void refuse(const Source& source, const std::string& message, std::string hint) {
  throw Error(ErrorCode::bad_input, Place{source.name}, message, std::move(hint));
}

void refuse_member(const Source& source, std::string_view raw_name, const std::string& message) {
  refuse(source, "member " + quoted(raw_name) + ": " + message);
}

std::string count_bytes(std::uint64_t count) {
  return count == 1 ? std::string("1 byte") : std::to_string(count) + " bytes";
}

}  // namespace axle::zip
