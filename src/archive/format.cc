#include "archive/format.h"

#include <cstring>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace axle::zip {

void Source::read(char* into, std::size_t count, std::uint64_t offset) const {
  if (memory == nullptr) return pread_exactly(fd, into, count, offset, name);
  if (count > 0) std::memcpy(into, memory + offset, count);
}

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
