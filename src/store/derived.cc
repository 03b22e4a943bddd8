#include "store/derived.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "store/scratch.h"

namespace axle {
namespace {

constexpr const char* derived_root = "derived";
constexpr std::uint64_t max_note = 4096;

std::string derived_dir(const Sha256& key) { return std::string(derived_root) + "/" + key.hex(); }

std::string render_note(const DerivedFile& file) {
  return "sha256 " + file.sha256.hex() + "\nsize " + std::to_string(file.size) + "\nwheel " +
         file.wheel.hex() + "\n";
}

std::optional<DerivedFile> parse_note(std::string_view text, const Sha256& key) {
  DerivedFile file{key, {}, {}, 0, derived_dir(key) + "/file"};
  bool has_sha256 = false, has_size = false, has_wheel = false;
  for (const std::string_view line : split_lines(text)) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, space), value = line.substr(space + 1);
    if (name == "size") {
      has_size = std::from_chars(value.data(), value.data() + value.size(), file.size).ec == std::errc();
    } else if (const auto digest = Sha256::from_hex(value)) {
      if (name == "sha256") {
        file.sha256 = *digest;
        has_sha256 = true;
      } else if (name == "wheel") {
        file.wheel = *digest;
        has_wheel = true;
      }
    }
  }
  if (!has_sha256 || !has_size || !has_wheel) return std::nullopt;
  return file;
}

}  // namespace

std::optional<DerivedFile> find_derived(const Store& store, const Sha256& key) {
  const auto text = try_read_file(store.root().get(), derived_dir(key) + "/note", max_note);
  if (!text) return std::nullopt;
  auto file = parse_note(*text, key);
  if (!file) return std::nullopt;
  const auto status = try_lstat(store.root().get(), file->path);
  if (!status || !S_ISREG(status->st_mode) || static_cast<std::uint64_t>(status->st_size) != file->size)
    return std::nullopt;
  return file;
}

DerivedFile make_derived(const Store& store, const Sha256& key, const Sha256& wheel, const DerivedLook& look,
                         const std::function<void(const Fd& into)>& make) {
  const int root = store.root().get();
  ScratchDirectory staging(store.root(), "derived");
  DerivedFile file{key, wheel, {}, 0, derived_dir(key) + "/file"};
  {
    const Fd into(openat(staging.fd(), "file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!into) throw_errno("cannot create", staging.path());
    make(into);
    {
      const MappedFile made = MappedFile::map(into, staging.path());
      file.sha256 = Sha256::of(made.bytes());
      file.size = made.bytes().size();
    }
    const unsigned mode = (look.executable ? 0555U : 0444U) | (store.use() == StoreUse::once ? 0200U : 0U);
    if (fchmod(into.get(), mode) != 0) throw_errno("cannot change", staging.path());
    set_mtime(into, look.mtime_ns, staging.path());
  }
  create_file(staging.fd(), "note", render_note(file), {0644, std::nullopt});
  make_dir(root, derived_root);
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (renameat(root, staging.path().c_str(), root, derived_dir(key).c_str()) == 0) {
      staging.give_up();
      return file;
    }
    if (errno != EEXIST && errno != ENOTEMPTY) throw_errno("cannot create", derived_dir(key));
    if (auto other = find_derived(store, key)) return *other;
    remove_derived(store, key);  // damaged
  }
  throw Error(ErrorCode::io, Place{store.path() + "/" + derived_dir(key)}, "cannot be made",
              "axle store verify --repair removes what is damaged");
}

std::vector<DerivedFile> list_derived(const Store& store) {
  std::vector<DerivedFile> files;
  if (!try_lstat(store.root().get(), derived_root)) return files;
  for (const DirEntry& entry : list_dir(store.root().get(), derived_root)) {
    const auto key = Sha256::from_hex(entry.name);
    if (!key) continue;
    auto file = find_derived(store, *key);
    files.push_back(file ? *file : DerivedFile{*key, {}, {}, 0, derived_dir(*key) + "/file"});
  }
  return files;
}

bool is_linked(const Store& store, const DerivedFile& file) {
  const auto status = try_lstat(store.root().get(), file.path);
  return status && status->st_nlink > 1;
}

Diagnostics verify_derived(const Store& store, const DerivedFile& file) {
  const auto problem = [&](std::string what) {
    return Diagnostics{{Severity::error, "store-damaged", "", file.path, std::move(what),
                        "axle store verify --repair removes it; the next install makes it anew"}};
  };
  const auto known = find_derived(store, file.key);
  if (!known) return problem("does not have the size, or the note, with which it was made");
  const MappedFile mapped = MappedFile::open(store.root().get(), known->path);
  if (Sha256::of(mapped.bytes()) != known->sha256) return problem("has changed");
  return {};
}

void remove_derived(const Store& store, const Sha256& key) {
  const int root = store.root().get();
  ScratchDirectory aside(store.root(), "removed");
  const std::string into = aside.path() + "/derived";
  if (renameat(root, derived_dir(key).c_str(), root, into.c_str()) != 0 && errno != ENOENT)
    throw_errno("cannot remove from the store", key.hex());
}

}  // namespace axle
