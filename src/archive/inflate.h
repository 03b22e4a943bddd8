#pragma once
// The contents of members, verified. Errors: bad_input for data unlike its declaration, io.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "archive/format.h"
#include "archive/stream.h"
#include "axle/archive/archive.h"

struct libdeflate_decompressor;

namespace axle::zip {

class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // A whole member; the view lives until the next call.
  std::string_view read(const Source& source, const Member& member);
  // The same to where there is room for member.size bytes.
  void read(const Source& source, const Member& member, char* into);
  // Bytes up to this offset of the archive will be asked for soon.
  void expect(const Source& source, std::uint64_t until) noexcept;
  // The deflate stream that the last read() inflated; "" when it inflated none, or in pieces.
  std::string_view packed() const noexcept { return packed_view_; }

 private:
  void inflate(const Source& source, const Member& member, char* into);
  const char* packed_bytes(const Source& source, const Member& member);

  libdeflate_decompressor* decompressor_;
  Bytes packed_;  // bytes [begin, end) of the archive with that serial
  std::uint64_t packed_begin_ = 0;
  std::uint64_t packed_end_ = 0;
  std::uint64_t packed_serial_ = 0;
  std::uint64_t expected_end_ = 0;  // in the archive with this serial
  std::uint64_t expected_serial_ = 0;
  Bytes plain_;
  std::string_view packed_view_;
};

// The same in pieces of at most 256 KiB.
void stream_member(const Source& source, const Member& member,
                   const std::function<void(std::string_view)>& sink);

}  // namespace axle::zip
