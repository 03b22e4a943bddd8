#pragma once
// An installed environment as found: its distributions, read no further than asked.
// spec: PyPA "Recording installed projects" (dist-info), "Direct URL origin" (direct_url.json).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/rel_path.h"
#include "axle/env/layout.h"

namespace axle {

// One NAME-VERSION.dist-info directory in site-packages.
struct InstalledDist {
  std::string normalized;  // "typing-extensions"
  std::string name;        // as the directory spells it: "typing_extensions"
  std::string version;     // "4.8.0"
  RelPath
      dist_info;  // below the layout's root: "lib/python3.11/site-packages/typing_extensions-4.8.0.dist-info"

  friend bool operator==(const InstalledDist&, const InstalledDist&) = default;
};

// Sorted by normalized name, then by dist_info. Two entries of one normalized name are possible (and
// reported).
struct Installed {
  Layout layout;
  std::vector<InstalledDist> dists;
  // Kinds: "legacy-egg-info", "legacy-egg-link", "leftover" (~foo of an interrupted pip),
  // "malformed-dist-info", "duplicate-distribution".
  Diagnostics notes;
};

// Lists purelib (and platlib where it differs) below `root_fd`, and reads nothing else. An absent
// site-packages is an empty environment. Throws Error(io).
Installed read_installed(int root_fd, const Layout& layout);

// The distribution of that normalized name, or nullptr.
const InstalledDist* find_dist(const Installed& installed, std::string_view normalized) noexcept;

// Small files of one distribution, read on demand; nullopt when absent. INSTALLER is trimmed, "" when it is
// empty. Throws Error(bad_input) for a file over 1 MiB (METADATA: 16 MiB), Error(io).
std::optional<std::string> read_installer(int root_fd, const InstalledDist& dist);
std::optional<std::string> read_direct_url(int root_fd, const InstalledDist& dist);
std::optional<std::string> read_installed_metadata(int root_fd, const InstalledDist& dist);
bool is_requested(int root_fd, const InstalledDist& dist);

// One row of an installed RECORD.
struct InstalledFile {
  std::string recorded;  // as the row has it
  std::optional<RelPath>
      path;               // below the layout's root; nullopt: the row names something outside, or nothing
  std::string algorithm;  // "" when the row has no digest
  std::string digest;     // base64url, as the row has it
  std::optional<std::uint64_t> size;
};

// The rows of RECORD in its order; nullopt when there is none. Throws Error(bad_input) with the line when it
// is not CSV.
std::optional<std::vector<InstalledFile>> read_installed_record(int root_fd, const Layout& layout,
                                                                const InstalledDist& dist);
// The pure part: `text` is RECORD's content, `name` what errors call it.
std::vector<InstalledFile> parse_installed_record(std::string_view text, const Layout& layout,
                                                  const InstalledDist& dist, std::string_view name);

}  // namespace axle
