// What site-packages says by its names alone, and the small files of one distribution.

#include "axle/env/installed.h"

#include <dirent.h>

#include <algorithm>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "axle/pep/version.h"
#include "axle/wheel/record.h"
#include "base/file.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr std::uint64_t max_small_file = 1U << 20;
constexpr std::uint64_t max_metadata = 16U << 20;
constexpr std::uint64_t max_record = 64U << 20;

std::string text_of(const std::optional<RelPath>& path) { return path ? path->str() : std::string("."); }

RelPath child_of(const std::optional<RelPath>& directory, const RelPath& name) {
  return directory ? directory->join(name) : name;
}

// Splits "foo-1.0" at the first '-' that leaves a name and a version: escaping made names without '-', but
// old tools did not escape. nullopt when no '-' does.
std::optional<InstalledDist> parse_dist_info_name(std::string_view stem, const RelPath& path) {
  for (std::size_t dash = stem.find('-'); dash != std::string_view::npos; dash = stem.find('-', dash + 1)) {
    const std::string_view name = stem.substr(0, dash);
    const std::string_view version = stem.substr(dash + 1);
    if (!is_valid_name(name) || !Version::try_parse(version)) continue;
    return InstalledDist{normalize_name(name), std::string(name), std::string(version), path};
  }
  return std::nullopt;
}

void note(Installed& installed, std::string kind, std::string distribution, const std::string& path,
          std::string message, std::string hint) {
  installed.notes.push_back({Severity::warning, std::move(kind), std::move(distribution), path,
                             std::move(message), std::move(hint)});
}

void read_entry(Installed& installed, const std::optional<RelPath>& site, const DirEntry& entry) {
  const std::string_view name = entry.name;
  const bool leftover = name.starts_with('~');
  const bool dist_info = name.ends_with(".dist-info");
  const bool egg_info = name.ends_with(".egg-info");
  const bool egg_link = name.ends_with(".egg-link");
  const bool egg = name.ends_with(".egg");
  if (!leftover && !dist_info && !egg_info && !egg_link && !egg) return;
  const std::optional<RelPath> rel = RelPath::try_parse(name);
  const std::string shown = text_of(site) + "/" + entry.name;
  const std::string stem(name.substr(0, name.rfind('.')));
  if (leftover) {
    note(installed, "leftover", "", shown, "left by an interrupted removal", "remove it");
  } else if (egg_info || egg) {
    note(installed, "legacy-egg-info", normalize_name(stem.substr(0, stem.find('-'))), shown,
         "installed by a tool older than dist-info", "remove it with the tool that installed it");
  } else if (egg_link) {
    note(installed, "legacy-egg-link", normalize_name(stem), shown,
         "a development installation by setuptools", "remove it with the tool that installed it");
  } else {
    // A directory, or a link to one as symlink layouts have it.
    const bool directory = entry.type == DT_DIR || entry.type == DT_LNK;
    std::optional<InstalledDist> dist;
    if (rel && directory) dist = parse_dist_info_name(stem, child_of(site, *rel));
    if (dist) {
      installed.dists.push_back(std::move(*dist));
    } else {
      note(installed, "malformed-dist-info", "", shown, "its name holds no name and version", "remove it");
    }
  }
}

void read_site_packages(Installed& installed, int root_fd, const std::optional<RelPath>& site) {
  const std::optional<Fd> dir = try_open_dir(root_fd, text_of(site));
  if (!dir) return;
  for (const DirEntry& entry : list_dir(dir->get(), ".")) read_entry(installed, site, entry);
}

std::optional<std::string> read_member(int root_fd, const InstalledDist& dist, std::string_view name,
                                       std::uint64_t max_bytes) {
  return try_read_file(root_fd, dist.dist_info.str() + "/" + std::string(name), max_bytes);
}

}  // namespace

Installed read_installed(int root_fd, const Layout& layout) {
  Installed installed;
  installed.layout = layout;
  read_site_packages(installed, root_fd, layout.purelib);
  if (layout.platlib != layout.purelib) read_site_packages(installed, root_fd, layout.platlib);
  std::sort(installed.dists.begin(), installed.dists.end(),
            [](const InstalledDist& a, const InstalledDist& b) {
              if (a.normalized != b.normalized) return a.normalized < b.normalized;
              return a.dist_info < b.dist_info;
            });
  for (std::size_t i = 1; i < installed.dists.size(); ++i) {
    const InstalledDist& dist = installed.dists[i];
    const InstalledDist& before = installed.dists[i - 1];
    if (dist.normalized != before.normalized) continue;
    note(installed, "duplicate-distribution", dist.normalized, dist.dist_info.str(),
         dist.normalized + " is installed twice: " + before.version + " and " + dist.version,
         "uninstall it and install it again");
  }
  return installed;
}

const InstalledDist* find_dist(const Installed& installed, std::string_view normalized) noexcept {
  const auto found = std::lower_bound(
      installed.dists.begin(), installed.dists.end(), normalized,
      [](const InstalledDist& dist, std::string_view name) { return dist.normalized < name; });
  return found != installed.dists.end() && found->normalized == normalized ? &*found : nullptr;
}

std::optional<std::string> read_installer(int root_fd, const InstalledDist& dist) {
  const std::optional<std::string> text = read_member(root_fd, dist, "INSTALLER", max_small_file);
  if (!text) return std::nullopt;
  return std::string(trim(*text));
}

std::optional<std::string> read_direct_url(int root_fd, const InstalledDist& dist) {
  return read_member(root_fd, dist, "direct_url.json", max_small_file);
}

std::optional<std::string> read_installed_metadata(int root_fd, const InstalledDist& dist) {
  return read_member(root_fd, dist, "METADATA", max_metadata);
}

bool is_requested(int root_fd, const InstalledDist& dist) {
  return try_lstat(root_fd, dist.dist_info.str() + "/REQUESTED").has_value();
}

std::vector<InstalledFile> parse_installed_record(std::string_view text, const Layout& layout,
                                                  const InstalledDist& dist, std::string_view name) {
  const std::optional<RelPath> lib = dist.dist_info.parent();
  std::vector<InstalledFile> files;
  for (RecordRow& row : parse_record(text, name)) {
    InstalledFile file;
    file.path = resolve_record_path(layout, lib, row.path);
    file.recorded = std::move(row.path);
    file.algorithm = std::move(row.algorithm);
    file.digest = std::move(row.digest);
    file.size = row.size;
    files.push_back(std::move(file));
  }
  return files;
}

std::optional<std::vector<InstalledFile>> read_installed_record(int root_fd, const Layout& layout,
                                                                const InstalledDist& dist) {
  const std::optional<std::string> text = read_member(root_fd, dist, "RECORD", max_record);
  if (!text) return std::nullopt;
  return parse_installed_record(*text, layout, dist, dist.dist_info.str() + "/RECORD");
}

}  // namespace axle
