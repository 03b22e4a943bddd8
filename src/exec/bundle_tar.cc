#include "exec/bundle_tar.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "exec/compress.h"
#include "exec/tar_format.h"

namespace axle {
namespace {

constexpr int max_depth = 256;
// gzip members and zstd frames may follow one another, so that a part need not be long.
constexpr std::size_t part_size = std::size_t{8} << 20;

using Visit = std::function<void(const std::string& path, const struct stat& status)>;

void walk(const Fd& root, const std::string& dir, int depth, const Visit& visit) {
  if (depth > max_depth) throw Error(ErrorCode::io, Place{dir}, "has too many directories in one another");
  for (const DirEntry& entry : list_dir(root.get(), dir)) {
    const std::string path = dir == "." ? entry.name : dir + "/" + entry.name;
    const auto status = try_lstat(root.get(), path);
    if (!status) continue;
    visit(path, *status);
    if (S_ISDIR(status->st_mode)) walk(root, path, depth + 1, visit);
  }
}

class TarFile {
 public:
  TarFile(const Fd& to, const TarRequest& request) : to_(to), request_(request) {}

  void member(const TarMember& member, std::string_view content) {
    throw_if_interrupted();
    append_tar_header(part_, member);
    while (!content.empty()) {
      const std::size_t size = std::min(content.size(), part_size);
      part_.append(content.substr(0, size));
      content.remove_prefix(size);
      end_part_when_long();
    }
    append_tar_padding(part_, member.size);
    end_part_when_long();
  }
  void finish() {
    append_tar_end(part_);
    end_part();
    flush();
  }

 private:
  void end_part_when_long() {
    if (part_.size() >= part_size) end_part();
  }
  void end_part() {
    parts_.push_back(std::exchange(part_, {}));
    if (parts_.size() >= std::size_t{2} * request_.jobs) flush();
  }
  void flush() {
    parallel_for(parts_.size(), request_.jobs, [&](std::size_t i) {
      std::string packed;
      if (request_.form == TarForm::gzip) append_gzip_member(packed, parts_[i]);
      if (request_.form == TarForm::zstd) append_zstd_frame(packed, parts_[i]);
      if (request_.form != TarForm::plain) parts_[i] = std::move(packed);
    });
    for (const std::string& part : parts_) write_all(to_, part, "the tar");
    parts_.clear();
  }

  const Fd& to_;
  const TarRequest& request_;
  std::string part_;
  std::vector<std::string> parts_;  // whole ones, which are compressed together
};

}  // namespace

void write_tar_of(const Fd& dir, const Fd& to, const TarRequest& request) {
  TarFile tar(to, request);
  const auto begin = [&](const std::string& path) {
    TarMember member;
    member.path = path;
    member.mtime = request.mtime;
    return member;
  };
  TarMember first = begin(request.top);
  first.kind = TarKind::directory;
  first.mode = 0755;
  tar.member(first, {});
  walk(dir, ".", 0, [&](const std::string& path, const struct stat& status) {
    TarMember member = begin(request.top + "/" + path);
    if (S_ISDIR(status.st_mode)) {
      member.kind = TarKind::directory;
      member.mode = 0755;
      tar.member(member, {});
    } else if (S_ISLNK(status.st_mode)) {
      member.kind = TarKind::symlink;
      member.mode = 0777;
      member.link = read_link(dir.get(), path);
      tar.member(member, {});
    } else {
      const MappedFile content = MappedFile::open(dir.get(), path);
      member.mode = (status.st_mode & 0100) != 0 ? 0755 : 0644;
      member.size = content.bytes().size();
      tar.member(member, content.bytes());
    }
  });
  tar.finish();
}

void count_below(const Fd& dir, std::uint64_t& files, std::uint64_t& bytes) {
  walk(dir, ".", 0, [&](const std::string&, const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return;
    ++files;
    bytes += static_cast<std::uint64_t>(status.st_size);
  });
}

}  // namespace axle
