#include "axle/store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "base/text.h"
#include "store/scratch.h"
#include "store/store_impl.h"
#include "store/use_time.h"

namespace axle {
namespace {

std::string absolute(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.starts_with('/')) return path;
  char* cwd = realpath(".", nullptr);
  if (cwd == nullptr) throw_errno("cannot find the working directory", ".");
  std::string result = std::string(cwd) + "/" + path;
  free(cwd);
  return result;
}

}  // namespace

// Small ones are read: to map, page in and unmap them would cost more.
static WheelFacts open_facts(const Fd& fd, std::uint64_t size, const std::string& name) {
  constexpr std::uint64_t max_read = 128U << 10;
  if (size > max_read) {
    auto mapped = std::make_shared<MappedFile>(MappedFile::map(fd, name));
    const std::string_view bytes = mapped->bytes();
    return WheelFacts::open(std::move(mapped), bytes, name);
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  pread_exactly(fd, bytes.data(), bytes.size(), 0, name);
  return WheelFacts::open(std::move(bytes), name);
}

std::string wheel_dir(const Sha256& wheel) { return "wheels/" + wheel.hex(); }

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(std::string path, StoreUse use) {
  auto impl = std::make_unique<Impl>();
  impl->path = absolute(std::move(path));
  impl->use = use;
  // Everything that changes between format versions lies below the version.
  impl->path += "/v1";
  if (auto root = try_open_dir(AT_FDCWD, impl->path)) {
    impl->root = std::move(*root);
  } else {
    make_dirs(AT_FDCWD, impl->path);
    impl->root = open_dir(AT_FDCWD, impl->path);
  }
  // Each by itself: a loss of power may have left any of them.
  for (const char* name : {"wheels", "tmp", "index", "environments"}) {
    if (mkdirat(impl->root.get(), name, 0755) != 0 && errno != EEXIST)
      throw_errno("cannot create", impl->path);
  }
  impl->lock = Fd(openat(impl->root.get(), "lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
  if (impl->lock) flock(impl->lock.get(), LOCK_SH);
  return Store(std::move(impl));
}

const std::string& Store::path() const noexcept { return impl_->path; }
const Fd& Store::root() const noexcept { return impl_->root; }
StoreUse Store::use() const noexcept { return impl_->use; }
std::string Store::tree_path(const Sha256& wheel) { return wheel_dir(wheel) + "/tree"; }

std::optional<WheelFacts> Store::find(const Sha256& wheel) const {
  {
    const std::lock_guard lock(impl_->known_mutex);
    if (const auto known = impl_->known.find(wheel); known != impl_->known.end()) return known->second;
  }
  auto facts = impl_->read_facts(wheel);
  if (facts) {
    const std::lock_guard lock(impl_->known_mutex);
    impl_->known.emplace(wheel, *facts);
  }
  return facts;
}

std::optional<WheelFacts> Store::Impl::read_facts(const Sha256& wheel) const {
  const std::string name = wheel_dir(wheel) + "/facts";
  const auto fd = try_open_file(root.get(), name);
  if (!fd) return std::nullopt;
  struct stat status {};
  if (fstat(fd->get(), &status) != 0) throw_errno("cannot look at", name);
  if (is_old_use(mtime_ns(status))) {
    futimens(fd->get(), nullptr);  // a store that cannot be written to simply has older times
  }
  try {
    WheelFacts facts = open_facts(*fd, static_cast<std::uint64_t>(status.st_size), path + "/" + name);
    if (facts.store_id() != wheel) return std::nullopt;
    return facts;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_input) throw;
    return std::nullopt;  // damaged, or of another version: made anew
  }
}

std::optional<WheelFacts> Store::find(const WheelSource& source) const {
  for (const Hash& hash : source.hashes) {
    if (hash.algorithm != HashAlgorithm::sha256) continue;
    auto facts = find(*Sha256::from_hex(hash.hex));
    if (!facts || facts->wheel_sha256() != facts->store_id()) continue;
    if (source.hashes.size() == 1 || facts->file_name() == source.file_name) return facts;
  }
  return std::nullopt;
}

namespace {

std::string archive_name(const Sha256& sha256) { return "archives/" + sha256.hex() + ".whl"; }

}  // namespace

std::optional<std::string> Store::find_archive(const WheelSource& source) const {
  if (source.hashes.size() != 1 || source.hashes[0].algorithm != HashAlgorithm::sha256) return std::nullopt;
  const std::string name = archive_name(*Sha256::from_hex(source.hashes[0].hex));
  if (!try_stat(impl_->root.get(), name)) return std::nullopt;
  utimensat(impl_->root.get(), name.c_str(), nullptr, 0);  // it is in use
  return impl_->path + "/" + name;
}

std::string Store::keep_archive(const std::string& path, const Sha256& sha256) const {
  make_dir(impl_->root.get(), "archives");
  const std::string name = archive_name(sha256);
  rename_at(AT_FDCWD, path, impl_->root.get(), name);
  return impl_->path + "/" + name;
}

std::vector<StoredWheel> Store::archives() const {
  std::vector<StoredWheel> archives;
  if (!try_open_dir(impl_->root.get(), "archives")) return archives;
  for (const DirEntry& entry : list_dir(impl_->root.get(), "archives")) {
    const auto digest = Sha256::from_hex(std::string_view(entry.name).substr(0, 64));
    const auto status = try_stat(impl_->root.get(), "archives/" + entry.name);
    if (!digest || !status) continue;
    const auto bytes = static_cast<std::uint64_t>(status->st_size);
    archives.push_back({*digest, *digest, "", entry.name, bytes, mtime_ns(*status)});
  }
  return archives;
}

void Store::remove_archive(const Sha256& sha256) const { unlink_at(impl_->root.get(), archive_name(sha256)); }

void Store::register_environment(const std::string& path) const {
  const std::string name = "environments/" + Sha256::of(path).hex();
  if (try_lstat(impl_->root.get(), name)) return;
  replace_stored(impl_->root, name, path + "\n");
}

std::vector<std::string> Store::environments() const {
  std::vector<std::string> paths;
  for (const DirEntry& entry : list_dir(impl_->root.get(), "environments")) {
    const auto text = try_read_file(impl_->root.get(), "environments/" + entry.name);
    if (!text) continue;
    const std::string path(trim(*text));
    paths.push_back(path.starts_with('/') ? path : impl_->path + "/" + path);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<StoredWheel> Store::wheels() const {
  std::vector<StoredWheel> wheels;
  for (const DirEntry& entry : list_dir(impl_->root.get(), "wheels")) {
    const auto digest = Sha256::from_hex(entry.name);
    if (!digest) continue;
    const auto facts = find(*digest);
    const auto status = try_stat(impl_->root.get(), "wheels/" + entry.name + "/facts");
    StoredWheel wheel{*digest, *digest, "", "", 0, status ? mtime_ns(*status) : 0};
    if (facts) {
      wheel.archive = facts->wheel_sha256();
      wheel.byte_code = facts->byte_code();
      wheel.file_name = facts->file_name();
      for (const Scheme scheme : all_schemes) {
        if (const auto root = facts->root(scheme)) wheel.bytes += facts->dir(*root).subtree_bytes;
      }
    }
    wheels.push_back(std::move(wheel));
  }
  return wheels;
}

void Store::remove(const Sha256& wheel) const {
  {
    const std::lock_guard lock(impl_->known_mutex);
    impl_->known.erase(wheel);
  }
  // First out of sight by one rename, so that nobody finds half of it.
  const std::string aside = "tmp/removed-" + wheel.hex() + "-" + std::to_string(getpid());
  if (renameat(impl_->root.get(), wheel_dir(wheel).c_str(), impl_->root.get(), aside.c_str()) != 0) {
    if (errno == ENOENT) return;
    throw_errno("cannot remove from the store", wheel.hex());
  }
  remove_tree(impl_->root.get(), aside);
}

Diagnostics Store::verify(const Sha256& wheel, unsigned jobs) const {
  const std::string place = wheel_dir(wheel);
  const auto facts = find(wheel);
  if (!facts) {
    return {{Severity::error, "store-damaged", "", place, "has no facts that can be read",
             "axle store verify --repair unpacks it anew (--find-links), or removes it"}};
  }
  const std::span<const FileFact> files = facts->files();
  std::vector<std::string> faults(files.size());
  parallel_for(files.size(), jobs, [&](std::size_t i) {
    const std::string path = tree_path(wheel) + "/" + std::string(tree_prefix(facts->scheme_of(files[i]))) +
                             "/" + facts->path_of(static_cast<std::uint32_t>(i));
    const auto fd = try_open_file(impl_->root.get(), path);
    if (!fd) {
      faults[i] = "is missing";
    } else if (const MappedFile mapped = MappedFile::map(*fd, path); mapped.bytes().size() != files[i].size) {
      faults[i] =
          "has " + std::to_string(mapped.bytes().size()) + " bytes, not " + std::to_string(files[i].size);
    } else if (digest_of(mapped) != files[i].sha256) {
      faults[i] = "has changed";
    }
  });
  Diagnostics problems;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (faults[i].empty()) continue;
    problems.push_back(
        {Severity::error, "store-damaged", std::string(facts->normalized()),
         std::string(facts->file_name()) + ": " + facts->path_of(static_cast<std::uint32_t>(i)), faults[i],
         "axle store verify --repair unpacks the wheel anew (--find-links), or removes it"});
  }
  return problems;
}

std::uint64_t Store::remove_leftovers() const {
  std::uint64_t freed = 0;
  for (const DirEntry& entry : list_dir(impl_->root.get(), "tmp")) {
    const std::string path = "tmp/" + entry.name;
    const auto status = try_lstat(impl_->root.get(), path);
    if (!status) continue;
    freed += static_cast<std::uint64_t>(status->st_size);
    remove_tree(impl_->root.get(), path);
  }
  return freed;
}

StoreExclusive::StoreExclusive(const Store& store) : store_(store) {
  while (store.impl_->lock && flock(store.impl_->lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) throw_errno("cannot lock the store", store.path());
    throw_if_interrupted();
  }
}

StoreExclusive::~StoreExclusive() {
  if (store_.impl_->lock) flock(store_.impl_->lock.get(), LOCK_SH);
}

}  // namespace axle
