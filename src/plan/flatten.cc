#include "axle/plan/flatten.h"

#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace axle {
namespace {

class Flattener {
 public:
  Flattener(const Plan& plan, const std::vector<std::optional<WrittenFile>>& written)
      : plan_(plan), written_(written) {}

  std::vector<FlatEntry> run() {
    FlatEntry root;
    root.kind = FlatKind::directory;
    flat_.push_back(std::move(root));
    for (std::size_t i = 0; i < plan_.entries.size(); ++i) {
      entry_ = static_cast<std::uint32_t>(i);
      add(plan_.entries[i]);
    }
    return std::move(flat_);
  }

 private:
  // Directories on the way that were not there for the entry before. Entries are sorted by component, so what
  // two of them share is a common begin.
  void add_parents(std::string_view path) {
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/', slash + 1)) {
      const std::string_view dir = path.substr(0, slash);
      const bool there = last_.starts_with(dir) && (last_.size() == slash || last_[slash] == '/');
      if (there) continue;
      FlatEntry entry;
      entry.path = dir;
      entry.kind = FlatKind::directory;
      flat_.push_back(std::move(entry));
    }
    last_ = path;
  }

  FlatEntry& push(std::string path, FlatKind kind) {
    FlatEntry entry;
    entry.path = std::move(path);
    entry.kind = kind;
    entry.owner = plan_.entries[entry_].owner;
    entry.entry = entry_;
    flat_.push_back(std::move(entry));
    return flat_.back();
  }

  void add(const Entry& entry) {
    const std::string& path = entry.path.str();
    add_parents(path);
    if (entry.lay == Lay::link) {
      push(path, FlatKind::store_link);
    } else if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
      add_tree(path, plan_.dists[tree->wheel].facts, tree->wheel, tree->dir);
    } else if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      add_file(path, *file, entry.executable);
    } else if (const auto* link = std::get_if<Symlink>(&entry.content)) {
      push(path, FlatKind::symlink).target = link->target;
    } else if (std::holds_alternative<Directory>(entry.content)) {
      push(path, FlatKind::directory);
    } else if (const auto* record = std::get_if<Record>(&entry.content)) {
      FlatEntry& flat = push(path, FlatKind::file);
      if (written_.empty()) return;
      RecordBytes content{render_record(plan_, record->dist, written_)};
      flat.written = WrittenFile{Sha256::of(content.bytes), content.bytes.size()};
      flat.content = std::move(content);
    } else {
      FlatEntry& flat = push(path, FlatKind::file);
      flat.executable = entry.executable || std::holds_alternative<Rewritten>(entry.content);
      flat.content = EntryBytes{};
      if (const auto* generated = std::get_if<Generated>(&entry.content)) {
        flat.written = WrittenFile{Sha256::of(generated->bytes), generated->bytes.size()};
      } else if (!written_.empty()) {
        flat.written = written_.at(entry_);
      }
    }
  }

  void add_file(std::string path, const StoreFile& file, bool executable) {
    const FileFact& fact = plan_.dists[file.wheel].facts.file(file.file);
    FlatEntry& flat = push(std::move(path), FlatKind::file);
    flat.executable = executable || fact.has(file_flag::executable);
    flat.content = file;
    flat.written = WrittenFile{fact.sha256, fact.size};
  }

  // Both lists of a directory are sorted by name; merged, the result is sorted by path.
  void add_tree(const std::string& path, const WheelFacts& facts, DistId wheel, std::uint32_t index) {
    push(path, FlatKind::directory);
    const DirFact& dir = facts.dir(index);
    std::uint32_t child = index + 1;
    const auto add_dirs_before = [&](const std::string_view* name) {
      while (child < dir.dir_end && (name == nullptr || facts.name(facts.dir(child)) < *name)) {
        add_tree(path + "/" + std::string(facts.name(facts.dir(child))), facts, wheel, child);
        child = facts.dir(child).dir_end;
      }
    };
    for (const FileFact& file : facts.files_in(dir)) {
      const std::string_view name = facts.name(file);
      add_dirs_before(&name);
      add_file(path + "/" + std::string(name), {wheel, facts.index_of(file)}, false);
    }
    add_dirs_before(nullptr);
  }

  const Plan& plan_;
  const std::vector<std::optional<WrittenFile>>& written_;
  std::vector<FlatEntry> flat_;
  std::uint32_t entry_ = 0;
  std::string_view last_;
};

}  // namespace

std::vector<FlatEntry> flatten(const Plan& plan, const std::vector<std::optional<WrittenFile>>& written) {
  return Flattener(plan, written).run();
}

void link_equal_files(std::vector<FlatEntry>& entries) {
  struct First {
    std::uint32_t index = 0;
    std::uint32_t links = 0;
  };
  std::map<std::tuple<Sha256, std::uint64_t, bool>, First> first_of;
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    FlatEntry& entry = entries[i];
    if (entry.kind != FlatKind::file || !entry.written || entry.written->size == 0) continue;
    const auto [known, is_new] =
        first_of.try_emplace({entry.written->sha256, entry.written->size, entry.executable}, First{i, 0});
    if (is_new) continue;
    if (known->second.links == max_flat_links) {
      known->second = {i, 0};
      continue;
    }
    ++known->second.links;
    entry.kind = FlatKind::hardlink;
    entry.link_to = known->second.index;
  }
}

}  // namespace axle
