#pragma once
// Compressing for layers, in parts that may stand one after the other: gzip members (spec: RFC 1952, section
// 2.2) and zstd frames (spec: RFC 8878, section 3). The same bytes give the same part, on any thread. Levels
// are fixed, so that a layer is a function of its content.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace axle {

// One gzip member without time and name.
void append_gzip_member(std::string& out, std::string_view bytes);
// What stands around a deflate stream that exists already: before it, and after it (CRC and size of what it
// holds).
void append_gzip_begin(std::string& out);
void append_gzip_end(std::string& out, std::uint32_t crc32, std::uint64_t size);

// One zstd frame with its content size.
void append_zstd_frame(std::string& out, std::string_view bytes);
// Literals as zstd writes them, block by block, for frames whose other part is written elsewhere
// (zstd_frame.h). Valid until the next part is made on this thread.
class ZstdLiterals {
 public:
  enum Kind : unsigned { plain, run, packed };
  // `packed` is a block of its own that has no matches: its last byte says so. A `run` is one byte.
  struct Block {
    Kind kind = plain;
    std::string_view content;
  };
  // `sizes` of blocks, none of them 0, are all of `literals`.
  ZstdLiterals(std::string_view literals, std::span<const std::uint32_t> sizes);
  Block next();

 private:
  std::string_view rest_;
};

// What such parts, one after the other, hold: exactly `size` bytes, put to the end of `out`. False when they
// hold anything else.
bool unpack_gzip_members(std::string_view members, std::uint64_t size, std::string& out);
bool unpack_zstd_frames(std::string_view frames, std::uint64_t size, std::string& out);

// Which libraries make these parts, and at which levels: others make other bytes.
std::string_view compressor_versions();

}  // namespace axle
