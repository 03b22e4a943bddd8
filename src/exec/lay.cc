#include "exec/lay.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "exec/copy_contents.h"
#include "exec/damage.h"
#include "exec/entry_bytes.h"
#include "exec/own_files.h"

namespace axle {
namespace {

constexpr std::size_t files_per_task = 256;
// Opening and closing a pair of directories costs about as much as walking this many components of paths.
constexpr std::size_t components_worth_descriptors = 96;

void make_dir_with_parents(int root, const std::string& path) {
  if (mkdirat(root, path.c_str(), 0755) == 0 || errno == EEXIST) return;
  if (errno != ENOENT) throw_errno("cannot create directory", path);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) throw_errno("cannot create directory", path);
  make_dir_with_parents(root, path.substr(0, slash));
  if (mkdirat(root, path.c_str(), 0755) != 0 && errno != EEXIST) throw_errno("cannot create directory", path);
}

// Where a file comes from and goes to: descriptors with paths below them.
struct Way {
  int from_dir;
  const std::string& from;
  int to_dir;
  const std::string& to;
};

class Layer {
 public:
  Layer(const Fd& root, const Plan& plan, const Trees& trees, const LayOptions& options)
      : root_(root), plan_(plan), trees_(trees), options_(options) {
    if (plan.dists.empty()) return;
    opened_ = std::make_unique<OpenedTree[]>(plan.dists.size());
  }

  Laid lay(const std::vector<Entry>& entries) {
    prepare_records(entries);
    std::vector<Task> tasks = cut(entries);
    // The largest first, so that no processor is left alone with one at the end.
    std::stable_sort(tasks.begin(), tasks.end(),
                     [](const Task& a, const Task& b) { return a.files > b.files; });
    // A thread takes longer to start than a few files to lay.
    constexpr std::size_t few_files = 48;
    std::size_t files = 0;
    for (const Task& task : tasks) files += task.files;
    parallel_for(tasks.size(), files < few_files ? 1 : options_.jobs, [&](std::size_t i) { run(tasks[i]); });
    return {std::move(record_sizes_), copied_.load(), why_.load()};
  }

 private:
  // Directories [first_dir, last_dir) of a tree; or, without a tree, entries of one directory.
  struct Task {
    const Entry* tree = nullptr;
    std::uint32_t first_dir = 0;
    std::uint32_t last_dir = 0;
    std::vector<const Entry*> singles;
    std::size_t files = 0;
  };

  struct OpenedTree {
    std::once_flag once;
    Fd fd;
  };

  // Which files are looked at when they are laid: those before an index.
  struct Checking {
    DistTree::Check check;
    std::size_t end;
    DistTree::Check of(std::uint32_t file) const noexcept {
      return file < end ? check : DistTree::Check::none;
    }
  };

  const WheelFacts& facts(DistId wheel) const { return plan_.dists[wheel].facts; }

  // The open tree of a wheel. Where files are linked or copied nearly all are wanted, by whichever thread is
  // first.
  int tree_of(DistId wheel) {
    OpenedTree& opened = opened_[wheel];
    std::call_once(opened.once, [&] {
      const DistTree& tree = trees_[wheel];
      auto fd = try_open_dir(tree.dir, tree.path);
      if (!fd) store_is_damaged(tree.path);
      opened.fd = std::move(*fd);
    });
    return opened.fd.get();
  }

  std::vector<Task> cut(const std::vector<Entry>& entries) const {
    std::vector<Task> tasks;
    Task singles;
    const auto add_singles = [&] {
      if (!singles.singles.empty()) tasks.push_back(std::exchange(singles, {}));
    };
    for (const Entry& entry : entries) {
      const auto* tree = std::get_if<StoreTree>(&entry.content);
      if (tree == nullptr || entry.lay == Lay::link) {
        const bool fits =
            singles.files < files_per_task &&
            (singles.singles.empty() || parent_of(*singles.singles.front()) == parent_of(entry));
        if (!fits) add_singles();
        singles.singles.push_back(&entry);
        ++singles.files;
        continue;
      }
      const WheelFacts& wheel = facts(tree->wheel);
      if (trees_[tree->wheel].use == DistTree::Use::take) {
        tasks.push_back({&entry, tree->dir, tree->dir + 1, {}, 1});
        continue;
      }
      const std::uint32_t end = wheel.dir(tree->dir).dir_end;
      std::uint32_t first = tree->dir;
      std::size_t files = 0;
      for (std::uint32_t dir = tree->dir; dir < end; ++dir) {
        files += wheel.dir(dir).file_count;
        if (files < files_per_task && dir + 1 < end) continue;
        tasks.push_back({&entry, first, dir + 1, {}, files});
        first = dir + 1;
        files = 0;
      }
    }
    add_singles();
    return tasks;
  }

  static std::string_view parent_of(const Entry& entry) {
    const std::string_view path = entry.path.str();
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }

  void run(const Task& task) {
    if (task.tree == nullptr) return lay_singles(task);
    const auto tree = std::get<StoreTree>(task.tree->content);
    if (trees_[tree.wheel].use == DistTree::Use::take) return take_tree(*task.tree, tree);
    lay_dirs(task, tree);
  }

  void lay_singles(const Task& task) {
    const std::string parent(parent_of(*task.singles.front()));
    if (!parent.empty()) make_dir_with_parents(root_.get(), parent);
    // Names in the directory itself are shorter than paths from the root.
    constexpr std::size_t worth_a_descriptor = 4;
    if (parent.empty() || task.singles.size() < worth_a_descriptor) {
      for (const Entry* entry : task.singles) lay_single(*entry, root_, entry->path.str());
      return;
    }
    const Fd dir = open_dir(root_.get(), parent);
    for (const Entry* entry : task.singles) lay_single(*entry, dir, std::string(entry->path.name()));
  }

  // A directory with one owner holds exactly what the facts say, so it can move as a whole.
  void take_tree(const Entry& entry, const StoreTree& tree) {
    const WheelFacts& wheel = facts(tree.wheel);
    const std::string from =
        path_in(trees_[tree.wheel], wheel.dir(tree.dir).scheme, wheel.dir_path(tree.dir));
    if (const std::string_view parent = parent_of(entry); !parent.empty())
      make_dir_with_parents(root_.get(), std::string(parent));
    rename_at(tree_of(tree.wheel), from, root_.get(), entry.path.str());
  }

  // The directories of a task, by paths from the top of its tree on both sides; of a small task from the
  // roots.
  void lay_dirs(const Task& task, const StoreTree& tree) {
    constexpr std::size_t worth_descriptors = 16;
    const WheelFacts& wheel = facts(tree.wheel);
    const std::string& to = task.tree->path.str();
    make_dir_with_parents(root_.get(), to);
    const std::string top = wheel.dir_path(tree.dir);
    const std::string from = path_in(trees_[tree.wheel], wheel.dir(tree.dir).scheme, top);
    const bool sampled = options_.mode == LinkMode::hardlink;
    const Checking checking{trees_[tree.wheel].check,
                            sampled ? wheel.dir(tree.dir).first_file + sampled_files : wheel.files().size()};
    const bool by_descriptors = task.files >= worth_descriptors;
    Fd to_top;
    Fd from_top;
    if (by_descriptors) {
      to_top = open_dir(root_.get(), to);
      auto opened = try_open_dir(tree_of(tree.wheel), from.empty() ? "." : from);
      if (!opened) store_is_damaged(from);
      from_top = std::move(*opened);
    }
    for (std::uint32_t dir = task.first_dir; dir < task.last_dir; ++dir) {
      throw_if_interrupted();
      std::string below = wheel.dir_path(dir);
      below.erase(0, below.size() > top.size() && !top.empty() ? top.size() + 1 : top.size());
      if (by_descriptors) {
        if (!below.empty()) make_dir_with_parents(to_top.get(), below);
        lay_files(wheel, wheel.dir(dir), {from_top.get(), below, to_top.get(), below}, checking);
      } else {
        const std::string from_below = joined(from, below);
        const std::string to_below = joined(to, below);
        if (!below.empty()) make_dir_with_parents(root_.get(), to_below);
        lay_files(wheel, wheel.dir(dir), {tree_of(tree.wheel), from_below, root_.get(), to_below}, checking);
      }
    }
  }

  // `from` and `to` of the way are directories here.
  void lay_files(const WheelFacts& wheel, const DirFact& dir, const Way& dirs,
                 const Checking& checking) const {
    int from_dir = dirs.from_dir;
    int to_dir = dirs.to_dir;
    Fd opened_from;
    Fd opened_to;
    std::string from = dirs.from;
    std::string to = dirs.to;
    const auto depth = static_cast<std::size_t>(std::count(from.begin(), from.end(), '/') +
                                                std::count(to.begin(), to.end(), '/') + 2);
    if (!to.empty() && !from.empty() && dir.file_count * depth >= components_worth_descriptors) {
      auto opened = try_open_dir(from_dir, from);
      if (!opened) store_is_damaged(from);
      opened_from = std::move(*opened);
      opened_to = open_dir(to_dir, to);
      from_dir = opened_from.get();
      to_dir = opened_to.get();
      from.clear();
      to.clear();
    }
    if (!from.empty()) from += '/';
    if (!to.empty()) to += '/';
    const std::size_t from_size = from.size();
    const std::size_t to_size = to.size();
    for (const FileFact& file : wheel.files_in(dir)) {
      from.resize(from_size);
      to.resize(to_size);
      from += wheel.name(file);
      to += wheel.name(file);
      lay_file({from_dir, from, to_dir, to}, file, checking.of(wheel.index_of(file)));
    }
  }

  static void check_unchanged(const struct stat& status, const Way& way, const FileFact& file) {
    if (!looks_unpacked(status, file)) store_is_damaged(way.from, "was changed in the store");
  }

  void lay_file(const Way& way, const FileFact& file, DistTree::Check check) const {
    if (options_.mode == LinkMode::hardlink && links_work_.load(std::memory_order_relaxed)) {
      // What looks like a file may be a link to it: the inputs of a build system's sandbox are.
      if (linkat(way.from_dir, way.from.c_str(), way.to_dir, way.to.c_str(), AT_SYMLINK_FOLLOW) == 0) {
        struct stat status {};
        if (check == DistTree::Check::none) return;
        if (fstatat(way.to_dir, way.to.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
          throw_errno("cannot look at", way.to);
        check_unchanged(status, way, file);
        return;
      }
      if (errno == ENOENT) store_is_damaged(way.from);
      // One inode cannot have more links; the kernel protects those of another user; or this part of the
      // store is on another file system: a copy serves as well. The latter two hold for what follows, too.
      if (errno != EMLINK && errno != EPERM && errno != EXDEV) throw_errno("cannot link", way.to);
      int none = 0;
      why_.compare_exchange_strong(none, errno);
      if (errno != EMLINK) links_work_.store(false, std::memory_order_relaxed);
    }
    if (options_.mode == LinkMode::hardlink) copied_.fetch_add(1, std::memory_order_relaxed);
    copy_file(way, file, check);
  }

  void copy_file(const Way& way, const FileFact& file, DistTree::Check check) const {
    const auto from = try_open_file(way.from_dir, way.from);
    if (!from) store_is_damaged(way.from);
    if (check == DistTree::Check::times) {
      struct stat status {};
      if (fstat(from->get(), &status) != 0) throw_errno("cannot look at", way.from);
      check_unchanged(status, way, file);
    }
    const mode_t mode = file.has(file_flag::executable) ? 0755 : 0644;
    const Fd to(openat(way.to_dir, way.to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!to) throw_errno("cannot create", way.to);
    if (!clone(*from, to) && !copy_contents(*from, to, file.size, way.to)) store_is_damaged(way.from);
    set_mtime(to, options_.copied_mtime_ns.value_or(file.mtime * 1'000'000'000), way.to);
  }

  // Parts of one store may lie on other file systems (layers of an overlay): a copy serves as well.
  bool clone(const Fd& from, const Fd& to) const {
    if (options_.mode != LinkMode::clone) return false;
    if (links_work_.load(std::memory_order_relaxed)) {
      if (ioctl(to.get(), FICLONE, from.get()) == 0) return true;
      int none = 0;
      why_.compare_exchange_strong(none, errno);
      links_work_.store(false, std::memory_order_relaxed);
    }
    copied_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }

  // At `path` in `dir`: the entry's own, or its name in the directory that is open.
  void lay_single(const Entry& entry, const Fd& dir, const std::string& path) {
    if (entry.lay == Lay::link) {
      check_linked(entry);
      symlink_at(link_target(plan_, entry, trees_), dir.get(), path);
    } else if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      const WheelFacts& wheel = facts(file->wheel);
      const FileFact& fact = wheel.file(file->file);
      const DistTree& tree = trees_[file->wheel];
      const std::string from = path_in(tree, wheel.scheme_of(fact), wheel.path_of(file->file));
      if (tree.use == DistTree::Use::take) {
        rename_at(tree_of(file->wheel), from, dir.get(), path);
      } else {
        lay_file({tree_of(file->wheel), from, dir.get(), path}, fact, trees_[file->wheel].check);
      }
    } else if (const auto* object = std::get_if<Patched>(&entry.content);
               object != nullptr && options_.kept != nullptr) {
      FileFact fact = facts(object->from.wheel).file(object->from.file);
      const DerivedFile made = patched_file(plan_, entry, trees_, *options_.kept);
      fact.size = made.size;
      lay_file({options_.kept->root().get(), made.path, dir.get(), path}, fact, DistTree::Check::times);
    } else if (const auto* record = std::get_if<Record>(&entry.content)) {
      write_record(dir, path, *record);
    } else if (const auto* generated = std::get_if<Generated>(&entry.content);
               generated != nullptr && link_kept(generated->kept, dir, path)) {
      return;
    } else if (has_own_bytes(entry.content)) {
      write(dir, path, entry_bytes(plan_, entry, trees_, options_.kept).view(), entry.executable);
    } else if (const auto* link = std::get_if<Symlink>(&entry.content)) {
      symlink_at(link->target, dir.get(), path);
    } else if (std::holds_alternative<Directory>(entry.content)) {
      make_dir_with_parents(dir.get(), path);
    }
  }

  // See sampled_files.
  void check_linked(const Entry& entry) const {
    const auto* tree = std::get_if<StoreTree>(&entry.content);
    const auto* file = std::get_if<StoreFile>(&entry.content);
    const DistId id = tree != nullptr ? tree->wheel : file->wheel;
    if (trees_[id].check == DistTree::Check::none) return;
    for (const std::uint32_t sample : sampled_for_link(plan_, entry)) {
      if (const auto damage = find_damage_of_file(trees_[id], facts(id), sample))
        store_is_damaged(*damage, "was changed or removed in the store");
    }
  }

  void write(const Fd& dir, const std::string& path, std::string_view bytes, bool executable) const {
    const Fd fd = create(dir, path, executable);
    write_all(fd, bytes, path);
    set_mtime(fd, options_.generated_mtime_ns, path);
  }

  static Fd create(const Fd& dir, const std::string& path, bool executable) {
    const mode_t mode = executable ? 0755 : 0644;
    constexpr int how = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    Fd fd(openat(dir.get(), path.c_str(), how, mode));
    if (!fd && errno == ENOENT && path.find('/') != std::string::npos) {
      make_dir_with_parents(dir.get(), path.substr(0, path.rfind('/')));
      fd = Fd(openat(dir.get(), path.c_str(), how, mode));
    }
    if (!fd) throw_errno("cannot create", path);
    return fd;
  }

  // A file that is the same in many environments, as one inode. Where that cannot be it is written.
  bool link_kept(std::string_view kept, const Fd& dir, const std::string& path) const {
    if (kept.empty() || options_.kept == nullptr || !kept_work_.load(std::memory_order_relaxed)) return false;
    if (linkat(options_.kept->root().get(), std::string(kept).c_str(), dir.get(), path.c_str(), 0) == 0)
      return true;
    if (errno == EXDEV || errno == EPERM) kept_work_.store(false, std::memory_order_relaxed);
    return false;
  }

  // What RECORDs are made of, before any thread makes one.
  void prepare_records(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      const auto* record = std::get_if<Record>(&entry.content);
      if (record == nullptr) continue;
      record_sizes_.resize(plan_.dists.size());
      if (!record->text.empty()) continue;
      if (record_index_.empty()) {
        record_index_ = index_records(plan_);
        written_.resize(plan_.entries.size());
      }
      // Rewritten scripts are few: their bytes are made again rather than remembered.
      for (const std::uint32_t i : record_index_[record->dist]) {
        const Entry& listed = plan_.entries[i];
        const bool is_made = std::holds_alternative<Rewritten>(listed.content) ||
                             std::holds_alternative<Patched>(listed.content);
        if (is_made && !written_[i]) written_[i] = measure_entry(plan_, listed, trees_, options_.kept);
      }
    }
  }

  void write_record(const Fd& dir, const std::string& path, const Record& record) {
    if (link_kept(record.kept, dir, path)) {
      record_sizes_[record.dist] = record.text.size();
      return;
    }
    const Fd fd = create(dir, path, false);
    const RecordSink put = [&](std::string_view piece) {
      write_all(fd, piece, path);
      record_sizes_[record.dist] += piece.size();
    };
    if (record.text.empty()) {
      render_record(plan_, record.dist, written_, record_index_, put);
    } else {
      put(record.text);
    }
    set_mtime(fd, options_.generated_mtime_ns, path);
  }

  const Fd& root_;
  const Plan& plan_;
  const Trees& trees_;
  const LayOptions& options_;
  std::unique_ptr<OpenedTree[]> opened_;  // by wheel
  RecordIndex record_index_;
  std::vector<std::optional<WrittenFile>> written_;  // by entry of the plan
  std::vector<std::uint64_t> record_sizes_;          // by DistId; each by the thread that writes that RECORD
  mutable std::atomic<bool> links_work_{true};
  mutable std::atomic<bool> kept_work_{true};
  mutable std::atomic<std::size_t> copied_{0};
  mutable std::atomic<int> why_{0};
};

}  // namespace

Laid lay_entries(const Fd& root, const Plan& plan, const std::vector<Entry>& entries, const Trees& trees,
                 const LayOptions& options) {
  const ExactModes exact;
  return Layer(root, plan, trees, options).lay(entries);
}

}  // namespace axle
