#include "cli/store_verify.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/acquire.h"
#include "cli/context.h"
#include "cli/report.h"
#include "exec/receipt.h"
#include "exec/remembered_files.h"
#include "store/derived.h"
#include "store/layer_cache.h"
#include "store/unpack.h"

namespace axle::cli {
namespace {

class Verification {
 public:
  Verification(const Options& options, Store& store)
      : options_(options), repairs_(options.repair && !options.dry_run), store_(store) {}

  int run() {
    const std::vector<StoredWheel> wheels = store_.wheels();
    for (const StoredWheel& wheel : wheels) check_wheel(wheel);
    for (const StoredWheel& archive : store_.archives()) check_archive(archive);
    // After the archives, which may have been damaged themselves.
    for (const StoredWheel& wheel : damaged_) repair(wheel);
    check_all(list_derived(store_), verify_derived,
              [](const Store& store, const DerivedFile& file) { remove_derived(store, file.key); });
    check_all(list_layer_files(store_), verify_layer_file, remove_layer_file);
    check_all(list_remembered(store_), verify_remembered, remove_remembered);
    print(wheels.size());
    return problems_.empty() || repairs_ ? 0 : 1;
  }

 private:
  void check_wheel(const StoredWheel& wheel) {
    Diagnostics found = store_.verify(wheel.sha256, jobs(options_));
    if (found.empty()) return;
    problems_.insert(problems_.end(), found.begin(), found.end());
    add_users(wheel.sha256);
    if (repairs_) damaged_.push_back(wheel);
  }

  void check_archive(const StoredWheel& archive) {
    const std::string path = "archives/" + archive.file_name;
    if (hash_file(open_file(store_.root().get(), path), path) == archive.sha256) return;
    problems_.push_back({Severity::error, "store-damaged", "", path, "has changed",
                         "axle store verify --repair removes it; it is downloaded anew when it is needed"});
    if (!repairs_) return;
    store_.remove_archive(archive.sha256);
    ++removed_;
  }

  // Of what is made anew when it is needed: whatever is damaged goes.
  template <class File, class Verify, class Remove>
  void check_all(const std::vector<File>& files, Verify verify, Remove remove) {
    for (const File& file : files) {
      const Diagnostics found = verify(store_, file);
      if (found.empty()) continue;
      problems_.insert(problems_.end(), found.begin(), found.end());
      if (!repairs_) continue;
      remove(store_, file);
      ++removed_;
    }
  }

  void add_users(const Sha256& wheel) {
    for (const std::string& path : store_.environments()) {
      const auto root = try_open_dir(AT_FDCWD, path);
      const auto receipt = root ? read_receipt(*root) : std::nullopt;
      if (receipt &&
          std::find(receipt->wheels.begin(), receipt->wheels.end(), wheel) != receipt->wheels.end())
        users_.insert(path);
    }
  }

  // Byte-code is made anew by the next install that wants it, whatever is at hand.
  std::optional<WheelSource> source_of(const StoredWheel& wheel) {
    if (wheel.file_name.empty() || wheel.sha256 != wheel.archive) return std::nullopt;
    WheelSource source{"", wheel.file_name, {{HashAlgorithm::sha256, wheel.sha256.hex()}}, {}};
    if (const auto kept = store_.find_archive(source)) {
      source.path = *kept;
      return source;
    }
    if (!links_) links_ = find_link_candidates(options_, {});
    for (const Candidate& candidate : *links_) {
      if (candidate.path.empty() || candidate.file_name != wheel.file_name) continue;
      if (hash_file(open_file(AT_FDCWD, candidate.path), candidate.path) != wheel.sha256) continue;
      source.path = candidate.path;
      return source;
    }
    return std::nullopt;
  }

  void repair(const StoredWheel& wheel) {
    const auto source = source_of(wheel);
    store_.remove(wheel.sha256);
    if (source) {
      Diagnostics notes;
      store_.ensure(std::span(&*source, 1), {VerifyLevel::record, jobs(options_)}, notes);
      ++repaired_;
    } else {
      ++removed_;
    }
  }

  void print(std::size_t wheels) const {
    if (options_.json) {
      print_json({{"path", store_path(options_)},
                  {"wheels", wheels},
                  {"problems", to_json(problems_)},
                  {"environments", users_},
                  {"repaired", repaired_},
                  {"removed", removed_}});
      return;
    }
    print_diagnostics(problems_, options_);
    for (const std::string& path : users_) {
      print_diagnostics(
          {{Severity::warning, "store-damaged", "", path, "uses a damaged wheel",
            "axle check --venv " + path + " tells what it has of it, and a sync with --repair mends it"}},
          options_);
    }
    print_text(counted(wheels, "wheel") + ", " + counted(problems_.size(), "problem") +
                   (repaired_ != 0 ? ", " + counted(repaired_, "damaged wheel") + " unpacked anew" : "") +
                   (removed_ != 0 ? ", " + std::to_string(removed_) + " damaged removed" : "") + " in " +
                   store_path(options_) + "\n",
               options_);
  }

  const Options& options_;
  const bool repairs_;  // a dry run only says what is wrong
  Store& store_;
  Diagnostics problems_;
  std::vector<StoredWheel> damaged_;
  std::set<std::string> users_;  // environments that have a damaged wheel
  std::optional<std::vector<Candidate>> links_;
  std::size_t repaired_ = 0, removed_ = 0;
};

}  // namespace

int verify_store(const Options& options, Store& store) { return Verification(options, store).run(); }

}  // namespace axle::cli
