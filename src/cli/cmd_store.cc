// axle store path|verify|gc|size: looking after the store of unpacked wheels. verify is in store_verify.cc.

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>

#include "axle/base/error.h"
#include "axle/pep/version.h"
#include "axle/pep/wheel_filename.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/acquire.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/report.h"
#include "cli/store_verify.h"
#include "exec/receipt.h"
#include "exec/remembered_files.h"
#include "store/derived.h"
#include "store/layer_cache.h"
#include "store/unpack.h"

namespace axle::cli {
namespace {

std::uint64_t total_bytes(const std::vector<StoredWheel>& wheels) {
  std::uint64_t bytes = 0;
  for (const StoredWheel& wheel : wheels) bytes += wheel.bytes;
  return bytes;
}

std::uint64_t total_bytes(const std::vector<DerivedFile>& files) {
  std::uint64_t bytes = 0;
  for (const DerivedFile& file : files) bytes += file.size;
  return bytes;
}

std::uint64_t total_bytes(const std::vector<LayerFile>& files) {
  std::uint64_t bytes = 0;
  for (const LayerFile& file : files) bytes += file.bytes;
  return bytes;
}

std::uint64_t total_bytes(const std::vector<RememberedFile>& files) {
  std::uint64_t bytes = 0;
  for (const RememberedFile& file : files) bytes += file.bytes;
  return bytes;
}

std::size_t count_chunks(const std::vector<LayerFile>& files) {
  return static_cast<std::size_t>(std::count_if(
      files.begin(), files.end(), [](const LayerFile& file) { return file.kind == LayerFile::Kind::chunk; }));
}

int print_size(const Options& options, const Store& store) {
  std::vector<StoredWheel> wheels = store.wheels();
  const std::vector<StoredWheel> archives = store.archives();
  wheels.insert(wheels.end(), archives.begin(), archives.end());
  const std::vector<DerivedFile> derived = list_derived(store);
  const std::vector<LayerFile> layers = list_layer_files(store);
  const std::vector<RememberedFile> remembered = list_remembered(store);
  const std::uint64_t bytes =
      total_bytes(wheels) + total_bytes(derived) + total_bytes(layers) + total_bytes(remembered);
  if (options.json) {
    Json list = Json::array();
    for (const StoredWheel& wheel : wheels) {
      Json one{{"sha256", wheel.sha256.hex()}, {"file", wheel.file_name}, {"bytes", wheel.bytes}};
      if (!wheel.byte_code.empty())
        one.update({{"archive", wheel.archive.hex()}, {"byte_code", wheel.byte_code}});
      list.push_back(std::move(one));
    }
    print_json({{"path", store_path(options)},
                {"bytes", bytes},
                {"wheels", std::move(list)},
                {"edited", {{"count", derived.size()}, {"bytes", total_bytes(derived)}}},
                {"layers", {{"chunks", count_chunks(layers)}, {"bytes", total_bytes(layers)}}},
                {"remembered", {{"count", remembered.size()}, {"bytes", total_bytes(remembered)}}}});
    return 0;
  }
  print_text(counted(wheels.size(), "wheel") +
                 (derived.empty() ? "" : ", " + counted(derived.size(), "edited file")) + ", " +
                 std::to_string(bytes) + " bytes in " + store_path(options) + "\n" +
                 (layers.empty() ? ""
                                 : "of which " + std::to_string(total_bytes(layers)) + " are " +
                                       counted(count_chunks(layers), "chunk") + " of layers\n"),
             options);
  return 0;
}

// "30d", "12h", "45m", "10s" in nanoseconds.
std::int64_t parse_age(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const std::int64_t seconds = unit == "d"   ? 86400
                               : unit == "h" ? 3600
                               : unit == "m" ? 60
                               : unit == "s" ? 1
                                             : 0;
  if (error != std::errc() || value < 0 || seconds == 0 || value > 100 * 365) {
    throw Error(ErrorCode::usage, "--older-than " + axle::quoted(text) + " is no length of time",
                "30d, 12h, 45m, 10s");
  }
  return value * seconds * 1'000'000'000;
}

// A --target has no receipt. Every distribution that is linked has a dist-info with links.
void add_linked_wheels(const Fd& root, std::set<Sha256>& used) {
  for (const DirEntry& info : list_dir(root.get(), ".")) {
    const auto dir = info.name.ends_with(".dist-info") ? try_open_dir(root.get(), info.name) : std::nullopt;
    if (!dir) continue;
    for (const DirEntry& entry : list_dir(dir->get(), ".")) {
      const std::string target = try_read_link(dir->get(), entry.name).value_or("");
      constexpr std::string_view before = "/wheels/";
      const std::size_t at = target.find(before);
      if (at == std::string::npos) continue;
      const auto rest = std::string_view(target).substr(at + before.size());
      if (const auto digest = Sha256::from_hex(rest.substr(0, rest.find('/')))) used.insert(*digest);
    }
  }
}

// What a lock pins without a hash is told by name and version; a local label may be the wheel's own.
using Versions = std::map<std::string, std::vector<Version>>;

void add_by_version(const Store& store, const Versions& versions, std::set<Sha256>& used) {
  if (versions.empty()) return;
  for (const StoredWheel& wheel : store.wheels()) {
    const auto facts = store.find(wheel.sha256);
    const auto name = facts ? WheelFilename::try_parse(facts->file_name()) : std::nullopt;
    const auto found = name ? versions.find(name->name) : versions.end();
    if (found == versions.end()) continue;
    for (const Version& version : found->second) {
      if (compare_public(version, name->version) == 0) used.insert(wheel.sha256);
    }
  }
}

std::set<Sha256> wheels_in_use(const Options& options, const Store& store) {
  std::set<Sha256> used;
  std::vector<std::string> environments = store.environments();
  std::vector<std::string> locks;
  for (const std::string& name : options.keep_used_by) {
    const auto is_dir = try_open_dir(AT_FDCWD, name);
    (is_dir ? environments : locks).push_back(absolute_path(name));
  }
  for (const std::string& path : environments) {
    const auto root = try_open_dir(AT_FDCWD, path);
    if (!root) continue;  // it is gone
    if (const auto receipt = read_receipt(*root)) {
      used.insert(receipt->wheels.begin(), receipt->wheels.end());
    } else {
      add_linked_wheels(*root, used);
    }
  }
  Versions versions;
  for (const Lock& lock : read_locks(options, locks, {}).locks) {
    for (const LockPackage& package : lock.packages) {
      std::vector<Hash> hashes = package.hash_bag;
      for (const FileRef& file : package.wheels)
        hashes.insert(hashes.end(), file.hashes.begin(), file.hashes.end());
      for (const Hash& hash : hashes) {
        if (hash.algorithm == HashAlgorithm::sha256) used.insert(*Sha256::from_hex(hash.hex));
      }
      const auto version = Version::try_parse(package.version);
      if (hashes.empty() && version) versions[package.name].push_back(*version);
    }
  }
  add_by_version(store, versions, used);
  return used;
}

int collect_garbage(const Options& options, const Store& store) {
  // First: environments that are made while this waits have a use of wheels, too.
  const StoreExclusive alone(store);
  std::set<Sha256> used = wheels_in_use(options, store);
  const std::int64_t age = options.older_than.empty() ? 0 : parse_age(options.older_than);
  const std::int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  const std::vector<StoredWheel> wheels = store.wheels();
  // A wheel is used as long as its byte-code is.
  for (const StoredWheel& wheel : wheels) {
    if (used.contains(wheel.sha256)) used.insert(wheel.archive);
  }
  std::vector<StoredWheel> removed;
  for (const StoredWheel& wheel : wheels) {
    if (used.contains(wheel.sha256) || now - wheel.used_ns < age) continue;
    if (!options.dry_run) store.remove(wheel.sha256);
    removed.push_back(wheel);
  }
  for (const StoredWheel& archive : store.archives()) {
    if (used.contains(archive.sha256) || now - archive.used_ns < age) continue;
    if (!options.dry_run) store.remove_archive(archive.sha256);
    removed.push_back(archive);
  }
  // An edited library goes with the wheel from which it was made, unless an environment's file is a hard link
  // to it: then removing it frees nothing.
  std::vector<DerivedFile> edited;
  for (const DerivedFile& file : list_derived(store)) {
    const bool wheel_stays =
        std::none_of(removed.begin(), removed.end(),
                     [&](const StoredWheel& wheel) { return wheel.sha256 == file.wheel; }) &&
        store.find(file.wheel);
    if (wheel_stays || is_linked(store, file)) continue;
    if (!options.dry_run) remove_derived(store, file.key);
    edited.push_back(file);
  }
  const std::vector<LayerFile> layers =
      find_unused_layer_files(store, std::vector<Sha256>(used.begin(), used.end()), age);
  for (const LayerFile& file : layers) {
    if (!options.dry_run) remove_layer_file(store, file);
  }
  std::set<Sha256> gone;
  for (const StoredWheel& wheel : removed) gone.insert(wheel.sha256);
  const std::vector<RememberedFile> remembered = find_unused_remembered(store, gone);
  for (const RememberedFile& file : remembered) {
    if (!options.dry_run) remove_remembered(store, file);
  }
  const std::uint64_t bytes =
      total_bytes(removed) + total_bytes(edited) + total_bytes(layers) + total_bytes(remembered);
  if (!options.dry_run) store.remove_leftovers();
  if (options.json) {
    Json list = Json::array();
    for (const StoredWheel& wheel : removed)
      list.push_back({{"sha256", wheel.sha256.hex()}, {"file", wheel.file_name}});
    print_json({{"path", store_path(options)},
                {"bytes", bytes},
                {"removed", std::move(list)},
                {"removed_edited", edited.size()},
                {"removed_chunks", count_chunks(layers)},
                {"removed_remembered", remembered.size()}});
    return 0;
  }
  print_text(counted(removed.size(), "wheel") + (options.dry_run ? " to remove, " : " removed, ") +
                 std::to_string(bytes) + " bytes from " + store_path(options) + "\n",
             options);
  return 0;
}

}  // namespace

int run_store(const Options& options) {
  const std::string what = options.arguments.empty() ? "" : options.arguments.front();
  if (options.arguments.size() != 1) {
    throw Error(ErrorCode::usage, "store needs one of path, verify, gc, size", "axle store path");
  }
  if (what == "path") {
    const std::string path = store_path(options);
    options.json ? print_json({{"path", path}}) : print_text(path + "\n", options);
    return 0;
  }
  Store store = open_store(options);
  if (what == "size") return print_size(options, store);
  if (what == "verify") return verify_store(options, store);
  if (what == "gc") return collect_garbage(options, store);
  throw Error(ErrorCode::usage, "store does not know " + axle::quoted(what), "path, verify, gc or size");
}

}  // namespace axle::cli
