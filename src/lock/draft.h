#pragma once
// A Lock while it is being read: what every format's reader does in the same way.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "axle/lock/lock.h"
#include "axle/lock/parse.h"

namespace axle::lockfile {

// A file beside the lock, with its index in Lock::files.
struct Sibling {
  std::string text;
  std::string path;
  std::uint32_t file = 0;
};

class Draft {
 public:
  Draft(LockFormat format, std::string_view text, const LockContext& context);

  Lock lock;

  const LockContext& context() const { return context_; }

  [[noreturn]] void fail(const LockPlace& where, const std::string& message, std::string hint = {}) const;
  [[noreturn]] void fail(ErrorCode code, const LockPlace& where, const std::string& message,
                         std::string hint = {}) const;

  // One identifier for each distinct text. Fails where the text is no marker.
  MarkerId marker(std::string_view text, const LockPlace& where);
  // A normalized name of a distribution, extra or group; fails where it is none.
  std::string name(std::string_view text, const LockPlace& where) const;
  // PEP 440 clauses; "" and "*" are everything.
  VersionRange range(std::string_view text, const LockPlace& where) const;
  Hash hash(std::string_view text, const LockPlace& where) const;

  // `path` as seen from the directory of the lock.
  std::string beside(std::string_view path) const;
  // The content of a file, which is noted in Lock::files, there or not.
  std::optional<Sibling> read(const std::string& path);

  // A file named by URL, by path (relative to the lock's directory) or by name only.
  FileRef file_at_url(std::string_view url, const LockPlace& where) const;
  FileRef file_at_path(std::string_view path, const LockPlace& where) const;
  FileRef file_named(std::string_view file_name, const LockPlace& where) const;

 private:
  const LockContext& context_;
  std::map<std::string, MarkerId, std::less<>> marker_ids_;
};

// The directory part of a path: "" when it has none, "/" for the root.
std::string directory_of(std::string_view path);
// `path` as seen from `directory`, without "." components.
std::string join_path(std::string_view directory, std::string_view path);
// "https://", "file:", ...: whether the text begins with a scheme of two letters or more (one is a drive).
bool is_url(std::string_view text) noexcept;
// The local path of a file: URL (percent-decoded), nullopt for another URL.
std::optional<std::string> file_url_path(std::string_view url);

bool is_wheel_name(std::string_view file_name) noexcept;
bool is_sdist_name(std::string_view file_name) noexcept;

// Puts a file where it belongs in the package: wheel, sdist, or nowhere (eggs, installers).
void add_file(LockPackage& package, FileRef file);

void sort_unique(std::vector<std::string>& names);

}  // namespace axle::lockfile
