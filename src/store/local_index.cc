#include "store/local_index.h"

#include <sys/stat.h>

#include <climits>
#include <cstdlib>

#include "axle/base/error.h"
#include "base/codec.h"
#include "base/file.h"
#include "store/scratch.h"

namespace axle {
namespace {

constexpr std::string_view magic = "AXLEIDX1";

std::string directory_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string dir = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  char resolved[PATH_MAX];
  return realpath(dir.c_str(), resolved) != nullptr ? std::string(resolved) : dir;
}

std::string file_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string index_name(const std::string& directory) { return "index/" + Sha256::of(directory).hex(); }

}  // namespace

LocalIndex::Directory& LocalIndex::directory_of(const std::string& path) {
  const std::string name = directory_path(path);
  const auto [known, is_new] = directories_.try_emplace(name);
  if (!is_new) return known->second;
  try {
    const std::string file = index_name(name);
    if (const auto bytes = try_read_file(root_.get(), file)) {
      Decoder decoder(*bytes, magic, file);
      for (std::size_t count = decoder.count(); count > 0; --count) {
        const std::string wheel(decoder.text());
        Row row;
        row.size = decoder.number();
        row.inode = decoder.number();
        row.mtime_ns = decoder.signed_number();
        row.digest = decoder.digest();
        known->second.rows[wheel] = row;
      }
    }
  } catch (const Error&) {
    known->second.rows.clear();  // damaged: hash again
  }
  return known->second;
}

std::optional<Sha256> LocalIndex::find(const std::string& path, const struct stat& status) {
  const Directory& directory = directory_of(path);
  const auto row = directory.rows.find(file_part(path));
  if (row == directory.rows.end()) return std::nullopt;
  const Row& known = row->second;
  if (known.size != static_cast<std::uint64_t>(status.st_size) || known.inode != status.st_ino ||
      known.mtime_ns != mtime_ns(status)) {
    return std::nullopt;
  }
  return known.digest;
}

void LocalIndex::add(const std::string& path, const struct stat& status, const Sha256& digest) {
  Directory& directory = directory_of(path);
  directory.rows[file_part(path)] = {static_cast<std::uint64_t>(status.st_size), status.st_ino,
                                     mtime_ns(status), digest};
  directory.changed = true;
}

void LocalIndex::save() noexcept {
  for (auto& known : directories_) {
    if (!known.second.changed) continue;
    try {
      Encoder encoder(magic);
      encoder.number(known.second.rows.size());
      for (const auto& row : known.second.rows) {
        encoder.text(row.first);
        encoder.number(row.second.size);
        encoder.number(row.second.inode);
        encoder.signed_number(row.second.mtime_ns);
        encoder.digest(row.second.digest);
      }
      replace_stored(root_, index_name(known.first), encoder.finish());
      known.second.changed = false;
    } catch (const Error&) {
      // Only time is lost.
    }
  }
}

}  // namespace axle
