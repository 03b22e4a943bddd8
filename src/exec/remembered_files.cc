#include "exec/remembered_files.h"

#include <algorithm>
#include <optional>

#include "base/fd.h"
#include "base/file.h"
#include "exec/remembered_format.h"
#include "exec/remembered_plan.h"

namespace axle {
namespace {

std::vector<RememberedFile> list_folder(const Store& store, const char* folder) {
  std::vector<RememberedFile> files;
  const auto dir = try_open_dir(store.root().get(), folder);
  if (!dir) return files;
  for (const DirEntry& entry : list_dir(*dir, folder)) {
    const auto status = try_lstat(dir->get(), entry.name);
    if (!status || !S_ISREG(status->st_mode) || !Sha256::from_hex(entry.name)) continue;
    files.push_back({std::string(folder) + "/" + entry.name, static_cast<std::uint64_t>(status->st_size)});
  }
  return files;
}

Sha256 key_of(const RememberedFile& file) {
  return *Sha256::from_hex(std::string_view(file.path).substr(file.path.rfind('/') + 1));
}

bool is_plan(const RememberedFile& file) { return file.path.starts_with(remembered::folder); }

bool is_right(const Store& store, const RememberedFile& file) {
  if (is_plan(file)) {
    const auto plan = RememberedPlan::find(store.root(), key_of(file));
    return !plan || plan->content();
  }
  const auto status = try_lstat(store.root().get(), file.path);
  if (!status) return true;  // removed meanwhile
  const auto bytes = MappedFile::try_open(store.root().get(), file.path);
  return !bytes || remembered::kept_name(mtime_ns(*status), digest_of(*bytes)) == key_of(file).hex();
}

}  // namespace

std::vector<RememberedFile> list_remembered(const Store& store) {
  std::vector<RememberedFile> files = list_folder(store, remembered::folder);
  const std::vector<RememberedFile> kept = list_folder(store, remembered::kept_folder);
  files.insert(files.end(), kept.begin(), kept.end());
  return files;
}

std::vector<RememberedFile> find_unused_remembered(const Store& store, const std::set<Sha256>& gone) {
  std::vector<RememberedFile> unused;
  std::set<std::string> kept;
  for (const RememberedFile& file : list_folder(store, remembered::folder)) {
    const auto plan = RememberedPlan::find(store.root(), key_of(file));
    const auto content = plan ? plan->content() : std::nullopt;
    const bool is_usable =
        content && std::all_of(content->wheels.begin(), content->wheels.end(), [&](const Sha256& id) {
          return !gone.contains(id) && store.find(id).has_value();
        });
    if (is_usable) {
      kept.insert(content->kept.begin(), content->kept.end());
    } else {
      unused.push_back(file);
    }
  }
  for (const RememberedFile& file : list_folder(store, remembered::kept_folder)) {
    const auto status = try_lstat(store.root().get(), file.path);
    if (status && status->st_nlink == 1 && !kept.contains(file.path)) unused.push_back(file);
  }
  return unused;
}

Diagnostics verify_remembered(const Store& store, const RememberedFile& file) {
  if (is_right(store, file)) return {};
  return {{Severity::error, "store-damaged", "", file.path, "has changed",
           is_plan(file)
               ? "axle store verify --repair removes it; the next sync makes it anew"
               : "axle store verify --repair removes it; axle check finds environments that have it"}};
}

void remove_remembered(const Store& store, const RememberedFile& file) {
  unlink_at(store.root().get(), file.path);
}

}  // namespace axle
