#include "exec/compress.h"

#include <libdeflate.h>
#include <zstd.h>

#include <memory>
#include <new>
#include <stdexcept>

namespace axle {
namespace {

// Chosen by measurement (docs/performance.md, "Layers").
constexpr int gzip_level = 6;
constexpr int zstd_level = 2;

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
};
struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

libdeflate_compressor& compressor() {
  thread_local const std::unique_ptr<libdeflate_compressor, FreeCompressor> own(
      libdeflate_alloc_compressor(gzip_level));
  if (!own) throw std::bad_alloc();
  return *own;
}

ZSTD_CCtx& context() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> own(ZSTD_createCCtx());
  if (!own) throw std::bad_alloc();
  return *own;
}

void append_le32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 0xff);
}

}  // namespace

void append_gzip_member(std::string& out, std::string_view bytes) {
  const std::size_t begin = out.size();
  const std::size_t bound = libdeflate_gzip_compress_bound(&compressor(), bytes.size());
  out.resize(begin + bound);
  const std::size_t size =
      libdeflate_gzip_compress(&compressor(), bytes.data(), bytes.size(), out.data() + begin, bound);
  if (size == 0) throw std::logic_error("gzip: the bound of the library does not hold");
  out.resize(begin + size);
}

void append_gzip_begin(std::string& out) {
  // Deflate, no flags, no time, no hint, unknown system.
  out.append("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
}

void append_gzip_end(std::string& out, std::uint32_t crc32, std::uint64_t size) {
  append_le32(out, crc32);
  append_le32(out, static_cast<std::uint32_t>(size));
}

void append_zstd_frame(std::string& out, std::string_view bytes) {
  const std::size_t begin = out.size();
  const std::size_t bound = ZSTD_compressBound(bytes.size());
  out.resize(begin + bound);
  const std::size_t size =
      ZSTD_compressCCtx(&context(), out.data() + begin, bound, bytes.data(), bytes.size(), zstd_level);
  if (ZSTD_isError(size) != 0) throw std::logic_error("zstd: the bound of the library does not hold");
  out.resize(begin + size);
}

}  // namespace axle
