#include "exec/bundle_image.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <zstd.h>

#include <memory>
#include <vector>

#include "axle/base/digest.h"
#include "axle/base/error.h"
#include "base/file.h"
#include "base/interrupt.h"

namespace axle {
namespace {

constexpr int max_depth = 256;
constexpr std::size_t alignment = 4096;

void put_number(std::string& out, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

struct ImageFile {
  std::string path;
  std::uint64_t size;
};

// One record: kind, executable, 6 zero bytes, sizes of path and target with their NULs, size, time, path,
// target.
void put_record(std::string& out, char kind, bool executable, std::uint64_t size, std::int64_t mtime,
                const std::string& path, const std::string& target) {
  out += kind;
  out += executable ? '\1' : '\0';
  out.append(6, '\0');
  put_number(out, path.size() + 1, 4);
  put_number(out, target.size() + 1, 4);
  put_number(out, size, 8);
  put_number(out, static_cast<std::uint64_t>(mtime), 8);
  out.append(path.c_str(), path.size() + 1);
  out.append(target.c_str(), target.size() + 1);
}

class Compressor {
 public:
  Compressor(const Fd& to, const ImageRequest& request)
      : to_(to), context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    set(ZSTD_c_compressionLevel, request.level);
    set(ZSTD_c_checksumFlag, 1);
    set(ZSTD_c_enableLongDistanceMatching, 1);
    set(ZSTD_c_windowLog, 25);
    // One worker and many give the same bytes; none gives others. A libzstd without threads (Debian's static
    // archive is one) has none, whatever the request, so that there too the bytes depend on the input alone.
    if (ZSTD_cParam_getBounds(ZSTD_c_nbWorkers).upperBound > 0)
      set(ZSTD_c_nbWorkers, static_cast<int>(request.jobs > 0 ? request.jobs : 1));
    buffer_.resize(ZSTD_CStreamOutSize());
  }

  void write(std::string_view bytes) { run(bytes, ZSTD_e_continue); }
  std::uint64_t finish() {
    run({}, ZSTD_e_end);
    return written_;
  }

 private:
  void set(ZSTD_cParameter parameter, int value) {
    const std::size_t result = ZSTD_CCtx_setParameter(context_.get(), parameter, value);
    if (ZSTD_isError(result)) {
      throw Error(ErrorCode::unsupported,
                  "zstd refuses a setting: " + std::string(ZSTD_getErrorName(result)));
    }
  }

  void run(std::string_view bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      throw_if_interrupted();
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      const std::size_t rest = ZSTD_compressStream2(context_.get(), &out, &in, directive);
      if (ZSTD_isError(rest)) throw Error(ErrorCode::io, "zstd: " + std::string(ZSTD_getErrorName(rest)));
      write_all(to_, {buffer_.data(), out.pos}, "the program");
      written_ += out.pos;
      if (directive == ZSTD_e_continue ? in.pos == in.size : rest == 0) return;
    }
  }

  const Fd& to_;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
  std::vector<char> buffer_;
  std::uint64_t written_ = 0;
};

void list_below(const Fd& root, const std::string& dir, std::int64_t mtime, int depth, std::string& manifest,
                std::vector<ImageFile>& files) {
  if (depth > max_depth) throw Error(ErrorCode::io, Place{dir}, "has too many directories in one another");
  for (const DirEntry& entry : list_dir(root.get(), dir)) {
    const std::string path = dir == "." ? entry.name : dir + "/" + entry.name;
    const auto status = try_lstat(root.get(), path);
    if (!status) continue;
    if (S_ISDIR(status->st_mode)) {
      put_record(manifest, 'd', false, 0, mtime, path, {});
      list_below(root, path, mtime, depth + 1, manifest, files);
    } else if (S_ISLNK(status->st_mode)) {
      put_record(manifest, 'l', false, 0, mtime, path, read_link(root.get(), path));
    } else {
      const auto size = static_cast<std::uint64_t>(status->st_size);
      put_record(manifest, 'f', (status->st_mode & 0100) != 0, size, mtime, path, {});
      files.push_back({path, size});
    }
  }
}

std::string compress_manifest(const std::string& manifest) {
  std::string packed(ZSTD_compressBound(manifest.size()), '\0');
  const std::size_t size = ZSTD_compress(packed.data(), packed.size(), manifest.data(), manifest.size(), 19);
  if (ZSTD_isError(size)) throw Error(ErrorCode::io, "zstd: " + std::string(ZSTD_getErrorName(size)));
  packed.resize(size);
  return packed;
}

}  // namespace

ImageSizes write_image(const Fd& dir, const Fd& to, const ImageRequest& request) {
  const std::string_view unpacker = unpacker_program();
  if (unpacker.empty()) {
    throw Error(ErrorCode::unsupported, "this build of axle holds no unpacker for one-file programs",
                "build axle where a static libzstd is installed (libzstd-dev), or bundle into a directory");
  }
  std::string manifest;
  std::vector<ImageFile> files;
  put_record(manifest, 's', true, 0, 0, request.name, request.start);
  list_below(dir, ".", request.mtime, 0, manifest, files);

  std::string head(unpacker);
  head.resize((head.size() + alignment - 1) / alignment * alignment, '\0');
  const std::string packed = compress_manifest(manifest);
  write_all(to, head, "the program");
  write_all(to, packed, "the program");

  ImageSizes sizes;
  Hasher hasher;
  hasher.update(manifest);
  Compressor compressor(to, request);
  for (const ImageFile& file : files) {
    const MappedFile content = MappedFile::open(dir.get(), file.path);
    if (content.bytes().size() != file.size)
      throw Error(ErrorCode::io, Place{file.path}, "changes while it is read");
    hasher.update(content.bytes());
    compressor.write(content.bytes());
    sizes.raw += file.size;
  }
  const std::uint64_t data_size = compressor.finish();
  sizes.files = files.size();
  sizes.key = hasher.finish_sha256().hex().substr(0, 32);

  std::string footer = "axleimg1";
  put_number(footer, head.size(), 8);
  put_number(footer, packed.size(), 8);
  put_number(footer, manifest.size(), 8);
  put_number(footer, head.size() + packed.size(), 8);
  put_number(footer, data_size, 8);
  put_number(footer, sizes.raw, 8);
  footer += sizes.key;
  footer.append(16, '\0');
  write_all(to, footer, "the program");
  sizes.size = head.size() + packed.size() + data_size + footer.size();
  return sizes;
}

}  // namespace axle
