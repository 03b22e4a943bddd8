#pragma once
// A member's content in pieces, in bounded memory, its size and CRC seen to. Errors: bad_input for data
// unlike its declaration, io.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "archive/format.h"
#include "axle/archive/archive.h"

namespace axle::zip {

constexpr std::size_t piece_size = 256U << 10;

// Bytes that grow and are never initialised.
class Bytes {
 public:
  // At least `size` bytes; what was there before is lost when they grow.
  char* reserve(std::size_t size);
  const char* data() const noexcept { return bytes_.get(); }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
};

// What members are refused for.
[[noreturn]] void refuse_too_large(const Source& source, const Member& member);
[[noreturn]] void refuse_too_small(const Source& source, const Member& member, std::uint64_t size);
[[noreturn]] void refuse_rest(const Source& source, const Member& member, std::uint64_t rest);
std::uint32_t crc32_of(std::string_view bytes, std::uint32_t before = 0) noexcept;
void check_crc(const Source& source, const Member& member, std::uint32_t crc);

class MemberStream {
 public:
  // What `source` and `member` refer to must outlive the stream.
  MemberStream(const Source& source, const Member& member);
  ~MemberStream();
  MemberStream(const MemberStream&) = delete;
  MemberStream& operator=(const MemberStream&) = delete;

  // The next bytes, piece_size of them but at the end; empty after the last, when size and CRC were found
  // right. The view lives until the next call.
  std::string_view next();

  // Called with the packed bytes as they are taken in; all of them, in order, when next() has been empty.
  std::function<void(std::string_view)> on_packed;

 private:
  struct Inflating;

  std::string_view next_packed();
  std::string_view next_inflated();
  std::string_view verified(std::string_view piece);
  void finish();

  Source source_;
  const Member& member_;
  std::uint64_t packed_at_;
  std::uint64_t packed_rest_;
  Bytes packed_;
  Bytes plain_;
  std::unique_ptr<Inflating> inflating_;
  std::uint64_t size_ = 0;
  std::uint32_t crc_ = 0;
  bool finished_ = false;
};

}  // namespace axle::zip
