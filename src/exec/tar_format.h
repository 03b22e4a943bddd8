#pragma once
// Members of a tar as bytes. spec: POSIX.1-2017 "pax", ustar Interchange Format and pax Header.
//
// Written here and not by libarchive, because a layer's compressed bytes are put together from parts (see
// layer.h), so the writer must know where each header ends; what a layer needs of tar is small: five kinds of
// member, fixed owners and times.

#include <cstdint>
#include <string>
#include <string_view>

namespace axle {

enum class TarKind : char { file = '0', hardlink = '1', symlink = '2', directory = '5' };

struct TarMember {
  std::string path;  // without a leading slash; a directory's trailing slash is added
  TarKind kind = TarKind::file;
  std::uint32_t mode = 0644;
  std::uint64_t size = 0;  // of a file
  std::string link;        // target of a symlink, path of a hardlink
  std::int64_t mtime = 0;  // seconds since 1970, not negative
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

inline constexpr std::size_t tar_block = 512;

// The header block, after a PAX header where ustar cannot say it: long or non-ASCII paths and targets, sizes
// from 8 GiB on, large owners and times.
void append_tar_header(std::string& out, const TarMember& member);
// Zeros up to the next block, after content of that size.
void append_tar_padding(std::string& out, std::uint64_t size);
// The two blocks of zeros that end a tar.
void append_tar_end(std::string& out);

}  // namespace axle
