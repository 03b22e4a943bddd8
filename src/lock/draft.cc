#include "lock/draft.h"

#include <algorithm>

#include "axle/pep/name.h"
#include "base/text.h"

namespace axle::lockfile {

Draft::Draft(LockFormat format, std::string_view text, const LockContext& context) : context_(context) {
  lock.format = format;
  lock.path = context.path;
  lock.files.push_back({context.path, Sha256::of(text)});
}

void Draft::fail(const LockPlace& where, const std::string& message, std::string hint) const {
  fail(ErrorCode::bad_input, where, message, std::move(hint));
}

void Draft::fail(ErrorCode code, const LockPlace& where, const std::string& message, std::string hint) const {
  throw Error(code, lock.place(where), message, std::move(hint));
}

MarkerId Draft::marker(std::string_view text, const LockPlace& where) {
  if (trim(text).empty()) return no_marker;
  if (const auto known = marker_ids_.find(text); known != marker_ids_.end()) return known->second;
  try {
    const auto id = static_cast<MarkerId>(lock.markers.size());
    lock.markers.push_back({std::string(text), Marker::parse(text), where});
    marker_ids_.emplace(text, id);
    return id;
  } catch (const Error& error) {
    fail(where, error.message(), error.hint());
  }
}

std::string Draft::name(std::string_view text, const LockPlace& where) const {
  if (!is_valid_name(text)) fail(where, quoted(text) + " is no valid name");
  return normalize_name(text);
}

VersionRange Draft::range(std::string_view text, const LockPlace& where) const {
  VersionRange range;
  range.text = std::string(trim(text));
  if (range.text.empty() || range.text == "*") return range;
  try {
    range.any_of.push_back(SpecifierSet::parse(range.text));
  } catch (const Error& error) {
    fail(where, error.message(), error.hint());
  }
  return range;
}

Hash Draft::hash(std::string_view text, const LockPlace& where) const {
  try {
    return Hash::parse(text);
  } catch (const Error& error) {
    fail(where, error.message(), "a hash is written sha256:<64 hexadecimal digits>");
  }
}

std::string Draft::beside(std::string_view path) const {
  return join_path(directory_of(context_.path), path);
}

std::optional<Sibling> Draft::read(const std::string& path) {
  std::optional<std::string> text;
  if (context_.read_file) text = context_.read_file(path);
  const auto index = static_cast<std::uint32_t>(lock.files.size());
  lock.files.push_back({path, text ? std::optional<Sha256>(Sha256::of(*text)) : std::nullopt});
  if (!text) return std::nullopt;
  if (text->size() > max_lock_size) {
    throw Error(ErrorCode::bad_input, Place{path}, "the file is larger than 128 MiB");
  }
  return Sibling{std::move(*text), path, index};
}

namespace {

// A file name becomes a name in the store and on disk, so it must be one plain component.
bool is_plain_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name == "." || name == ".." || !is_utf8(name)) return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    return c == '/' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

}  // namespace

FileRef Draft::file_named(std::string_view file_name, const LockPlace& where) const {
  if (!is_plain_name(file_name)) fail(where, quoted(file_name) + " is no file name");
  FileRef file;
  file.name = std::string(file_name);
  file.place = where;
  return file;
}

FileRef Draft::file_at_url(std::string_view url, const LockPlace& where) const {
  if (!is_url(url) || !is_utf8(url) ||
      std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20; })) {
    fail(where, quoted(url) + " is no URL");
  }
  std::string_view path = url.substr(0, url.find('#'));
  path = path.substr(0, path.find('?'));
  const auto slash = path.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const auto decoded = percent_decode(last);
  if (!decoded || !is_plain_name(*decoded)) {
    fail(where, "the URL " + quoted(url) + " does not end in a file name");
  }
  if (const auto local = file_url_path(url)) return file_at_path(*local, where);
  FileRef file;
  file.name = *decoded;
  file.url = std::string(url);
  file.place = where;
  return file;
}

FileRef Draft::file_at_path(std::string_view path, const LockPlace& where) const {
  if (path.find('\0') != std::string_view::npos) fail(where, quoted(path) + " is no path");
  const auto slash = path.rfind('/');
  FileRef file = file_named(slash == std::string_view::npos ? path : path.substr(slash + 1), where);
  file.path = beside(path);
  return file;
}

std::string directory_of(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

std::string join_path(std::string_view directory, std::string_view path) {
  if (path.starts_with('/')) return std::string(path);
  std::string joined(directory);
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (!joined.empty() && joined.back() != '/') joined += '/';
    joined += part;
  }
  return joined.empty() ? "." : joined;
}

bool is_url(std::string_view text) noexcept {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon < 2 || !is_alpha(text.front())) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; });
}

std::optional<std::string> file_url_path(std::string_view url) {
  if (url.size() < 5 || !ascii_iequal(url.substr(0, 5), "file:")) return std::nullopt;
  std::string_view rest = url.substr(5);
  if (rest.starts_with("//")) {
    // An authority other than this machine makes no local path.
    rest.remove_prefix(2);
    if (rest.size() >= 9 && ascii_iequal(rest.substr(0, 9), "localhost")) rest.remove_prefix(9);
    if (!rest.starts_with('/')) return std::nullopt;
  }
  rest = rest.substr(0, rest.find('#'));
  rest = rest.substr(0, rest.find('?'));
  auto decoded = percent_decode(rest);
  if (!decoded || decoded->empty() || decoded->find('\0') != std::string::npos) return std::nullopt;
  return decoded;
}

bool is_wheel_name(std::string_view file_name) noexcept {
  return file_name.size() > 4 && ascii_iequal(file_name.substr(file_name.size() - 4), ".whl");
}

bool is_sdist_name(std::string_view file_name) noexcept {
  for (const std::string_view suffix :
       {".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar"}) {
    if (file_name.size() > suffix.size() &&
        ascii_iequal(file_name.substr(file_name.size() - suffix.size()), suffix)) {
      return true;
    }
  }
  return false;
}

void add_file(LockPackage& package, FileRef file) {
  if (is_wheel_name(file.name)) {
    package.wheels.push_back(std::move(file));
  } else if (is_sdist_name(file.name)) {
    if (!package.sdist) package.sdist = std::move(file);
  }
}

void sort_unique(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace axle::lockfile
