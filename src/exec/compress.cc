#include "exec/compress.h"

#include <libdeflate.h>
// For compressing literals alone. What this names is in every library since zstd 1.5.0.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

namespace axle {
namespace {

// Chosen by measurement (docs/performance.md, "Layers").
constexpr int gzip_level = 6;
constexpr int zstd_level = 2;

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
};
struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
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

ZSTD_CCtx& literals_context() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> own([] {
    ZSTD_CCtx* const made = ZSTD_createCCtx();
    if (made == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(made, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(made, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(made, ZSTD_c_blockDelimiters, ZSTD_sf_explicitBlockDelimiters);
    return made;
  }());
  return *own;
}

// Memory for what is compressed, before its size is known; never initialised.
char* scratch(std::size_t size) {
  thread_local std::unique_ptr<char[]> bytes;
  thread_local std::size_t capacity = 0;
  if (size > capacity) {
    capacity = 0;
    bytes = std::make_unique_for_overwrite<char[]>(size);
    capacity = size;
  }
  return bytes.get();
}

void append_le32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 0xff);
}

}  // namespace

void append_gzip_member(std::string& out, std::string_view bytes) {
  const std::size_t bound = libdeflate_gzip_compress_bound(&compressor(), bytes.size());
  char* const packed = scratch(bound);
  const std::size_t size = libdeflate_gzip_compress(&compressor(), bytes.data(), bytes.size(), packed, bound);
  if (size == 0) throw std::logic_error("gzip: the bound of the library does not hold");
  out.append(packed, size);
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
  const std::size_t bound = ZSTD_compressBound(bytes.size());
  char* const packed = scratch(bound);
  const std::size_t size =
      ZSTD_compressCCtx(&context(), packed, bound, bytes.data(), bytes.size(), zstd_level);
  if (ZSTD_isError(size) != 0) throw std::logic_error("zstd: the bound of the library does not hold");
  out.append(packed, size);
}

ZstdLiterals::ZstdLiterals(std::string_view literals, std::span<const std::uint32_t> sizes) {
  if (sizes.empty()) return;
  thread_local std::vector<ZSTD_Sequence> blocks;
  blocks.clear();
  for (const std::uint32_t size : sizes) blocks.push_back({0, size, 0, 0});
  const std::size_t bound = ZSTD_compressBound(literals.size()) + 8 * sizes.size();
  char* const frame = scratch(bound);
  const std::size_t size = ZSTD_compressSequences(&literals_context(), frame, bound, blocks.data(),
                                                  blocks.size(), literals.data(), literals.size());
  if (ZSTD_isError(size) != 0) {
    throw std::logic_error(std::string("zstd does not take the literals: ") + ZSTD_getErrorName(size));
  }
  rest_ = std::string_view(frame, size).substr(ZSTD_frameHeaderSize(frame, size));
}

// spec: RFC 8878, section 3.1.1.2.
ZstdLiterals::Block ZstdLiterals::next() {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(rest_.at(i)));
  };
  const std::size_t header = byte(0) | byte(1) << 8 | byte(2) << 16;
  const auto kind = static_cast<Kind>(header >> 1 & 3);
  const std::size_t size = kind == run ? 1 : header >> 3;
  const Block block{kind, rest_.substr(3, size)};
  rest_.remove_prefix(3 + size);
  return block;
}

bool unpack_gzip_members(std::string_view members, std::uint64_t size, std::string& out) {
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> own(
      libdeflate_alloc_decompressor());
  if (!own) throw std::bad_alloc();
  const std::size_t begin = out.size();
  out.resize(begin + static_cast<std::size_t>(size));
  std::size_t done = begin;
  while (!members.empty()) {
    std::size_t taken = 0, given = 0;
    if (libdeflate_gzip_decompress_ex(own.get(), members.data(), members.size(), out.data() + done,
                                      out.size() - done, &taken, &given) != LIBDEFLATE_SUCCESS)
      return false;
    members.remove_prefix(taken);
    done += given;
  }
  return done == out.size();
}

bool unpack_zstd_frames(std::string_view frames, std::uint64_t size, std::string& out) {
  const std::size_t begin = out.size();
  out.resize(begin + static_cast<std::size_t>(size));
  return ZSTD_decompress(out.data() + begin, out.size() - begin, frames.data(), frames.size()) == size;
}

std::string_view compressor_versions() {
  static const std::string versions = "libdeflate " LIBDEFLATE_VERSION_STRING " " +
                                      std::to_string(gzip_level) + ", zstd " + ZSTD_versionString() + " " +
                                      std::to_string(zstd_level);
  return versions;
}

}  // namespace axle
