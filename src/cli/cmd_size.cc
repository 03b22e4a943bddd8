// axle size [NAME]...: what takes how much, by distribution and by class of file.

#include <algorithm>
#include <array>
#include <set>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "axle/wheel/classify.h"
#include "cli/commands.h"
#include "cli/existing.h"
#include "cli/report.h"
#include "exec/check.h"
#include "plan/place_of.h"

namespace axle::cli {
namespace {

struct Sizes {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t own = 0;     // regular files with one name
  std::uint64_t shared = 0;  // regular files with further names: hard links of the store or of each other
  std::uint64_t linked = 0;  // behind symbolic links: they lie in the store
  std::array<std::uint64_t, std::size(all_file_classes)> by_class{};

  void add(const struct stat& status, FileClass file_class, bool behind_link) {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    ++files;
    bytes += size;
    (behind_link ? linked : status.st_nlink > 1 ? shared : own) += size;
    by_class[static_cast<std::size_t>(file_class)] += size;
  }
  Sizes& operator+=(const Sizes& other) {
    files += other.files;
    bytes += other.bytes;
    own += other.own;
    shared += other.shared;
    linked += other.linked;
    for (std::size_t i = 0; i < by_class.size(); ++i) by_class[i] += other.by_class[i];
    return *this;
  }
};

bool is_behind_link(const State& state, const RelPath& wanted) {
  for (std::optional<RelPath> path = wanted; path; path = path->parent()) {
    const auto found =
        std::lower_bound(state.entries.begin(), state.entries.end(), *path,
                         [](const LaidEntry& entry, const RelPath& one) { return entry.path < one; });
    if (found != state.entries.end() && found->path == *path) return found->kind == LaidKind::link;
  }
  return false;
}

FileClass class_of(const Existing& existing, const LaidDist& dist, const RelPath& path) {
  if (const auto file = find_file_at(existing.layout, dist.facts, path.str())) {
    return classify_file(dist.facts, *file).file_class;
  }
  if (path.is_within(dist.dist_info)) return FileClass::metadata;
  if (existing.layout.scripts && path.is_within(*existing.layout.scripts)) return FileClass::script;
  return path.name().ends_with(".pyc") ? FileClass::byte_code : FileClass::package_data;
}

// `counted`: paths of the total, each once even where distributions share it.
Sizes sizes_of(const Existing& existing, const RecordedDist& dist, std::set<std::string>& counted,
               Sizes& total) {
  Sizes sizes;
  for (const InstalledFile& row : dist.rows) {
    if (!row.path) continue;
    const auto status = try_stat(existing.root.get(), row.path->str());
    if (!status || !S_ISREG(status->st_mode)) continue;
    Sizes one;
    one.add(*status, class_of(existing, *dist.laid, *row.path),
            is_behind_link(existing.installation.state, *row.path));
    sizes += one;
    if (counted.insert(row.path->str()).second) total += one;
  }
  return sizes;
}

Json to_json(const Sizes& sizes) {
  Json classes = Json::object();
  for (const FileClass one : all_file_classes) {
    const std::uint64_t bytes = sizes.by_class[static_cast<std::size_t>(one)];
    if (bytes != 0) classes[std::string(to_string(one))] = bytes;
  }
  return {{"files", sizes.files},   {"bytes", sizes.bytes},   {"own", sizes.own},
          {"shared", sizes.shared}, {"linked", sizes.linked}, {"classes", std::move(classes)}};
}

std::string padded(std::uint64_t bytes) {
  std::string text = std::to_string(bytes);
  if (text.size() < 14) text.insert(0, 14 - text.size(), ' ');
  return text;
}

std::string line(const Sizes& sizes, const std::string& name) {
  return padded(sizes.bytes) + padded(sizes.own) + padded(sizes.shared) + padded(sizes.linked) + "  " + name +
         "\n";
}

}  // namespace

int run_size(const Options& options) {
  const Existing existing = open_existing(options);
  Diagnostics notes;
  const std::vector<RecordedDist> dists =
      read_records(existing.root, existing.layout, existing.installation, notes);
  std::set<std::string> wanted;
  for (const std::string& name : options.arguments) wanted.insert(normalize_name(name));
  std::set<std::string> counted;
  Sizes total;
  std::vector<std::pair<const RecordedDist*, Sizes>> rows;
  for (const RecordedDist& dist : dists) {
    if (!options.arguments.empty() && wanted.erase(dist.name.normalized) == 0) continue;
    rows.emplace_back(&dist, sizes_of(existing, dist, counted, total));
  }
  if (!wanted.empty()) {
    throw Error(ErrorCode::no_match, *wanted.begin() + " is not in " + existing.path,
                "axle size lists what is there");
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
  Json list = Json::array();
  std::string text = "         bytes           own        shared        linked\n";
  for (const auto& [dist, sizes] : rows) {
    Json one = {{"name", dist->name.normalized}, {"version", dist->name.version}};
    one.update(to_json(sizes));
    list.push_back(std::move(one));
    text += line(sizes, dist->name.normalized + " " + dist->name.version);
  }
  text += line(total, "in all");
  for (const FileClass one : all_file_classes) {
    const std::uint64_t bytes = total.by_class[static_cast<std::size_t>(one)];
    if (bytes != 0) text += padded(bytes) + "  " + std::string(to_string(one)) + "\n";
  }
  if (options.json) {
    print_json(
        {{"environment", existing.path}, {"distributions", std::move(list)}, {"total", to_json(total)}});
  } else {
    print_text(text, options);
  }
  return 0;
}

}  // namespace axle::cli
