#include "exec/check_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "axle/base/digest.h"
#include "axle/base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

bool is_cached_byte_code(std::string_view path) {
  return path.ends_with(".pyc") && path.find("__pycache__/") != std::string_view::npos;
}

// The raw digest that a row promises; nullopt when it promises none that can be compared.
std::optional<std::pair<HashAlgorithm, std::string>> promised_digest(const InstalledFile& row) {
  const auto algorithm = parse_hash_algorithm(row.algorithm);
  if (!algorithm) return std::nullopt;
  std::string_view text = row.digest;
  while (text.ends_with('=')) text.remove_suffix(1);  // some tools pad
  auto raw = base64url_decode(text);
  if (!raw) return std::nullopt;
  return std::pair(*algorithm, *std::move(raw));
}

// The file of the wheel that lies at `path`, for the time it had when it was laid.
const FileFact* find_fact(const LaidDist& dist, const RelPath& path) {
  const auto site = dist.dist_info.parent();
  std::string below = path.str();
  if (site) {
    if (!path.is_within(*site) || path == *site) return nullptr;
    below.erase(0, site->str().size() + 1);
  }
  for (const Scheme scheme : {Scheme::purelib, Scheme::platlib}) {
    if (const auto file = dist.facts.find(scheme, below)) return &dist.facts.file(*file);
  }
  return nullptr;
}

struct Finding {
  std::optional<Diagnostic> problem;
  std::string broken_link;  // the link that leads nowhere
  std::shared_ptr<const ObjectFacts> object;
};

class FileCheck {
 public:
  FileCheck(const Fd& root, const CheckOptions& options) : root_(root), options_(options) {}

  Finding run(const RecordedDist& dist, const InstalledFile& row) const {
    Finding finding;
    try {
      examine(dist, row, finding);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::io) throw;
      set_problem(finding, dist, row, "file-unreadable", error.message(), "");
    }
    return finding;
  }

 private:
  static void set_problem(Finding& finding, const RecordedDist& dist, const InstalledFile& row,
                          std::string kind, std::string message, std::string hint) {
    finding.problem = Diagnostic{Severity::error, std::move(kind),    dist.name.normalized,
                                 row.path->str(), std::move(message), std::move(hint)};
  }

  void examine(const RecordedDist& dist, const InstalledFile& row, Finding& finding) const {
    const std::string& path = row.path->str();
    const char* repair =
        dist.laid->ours ? "axle sync --repair puts it back" : "install the distribution again";
    const auto status = try_stat(root_.get(), path);
    if (!status) {
      finding.broken_link = find_broken_link(*row.path);
      // Byte-code is made anew when it is needed; nobody misses it.
      if (finding.broken_link.empty() && !(row.digest.empty() && is_cached_byte_code(path))) {
        set_problem(finding, dist, row, "file-missing", "is recorded and not there", repair);
      }
      return;
    }
    if (!S_ISREG(status->st_mode)) {
      if (!row.digest.empty() || row.size) {
        set_problem(finding, dist, row, "file-changed", "is no regular file any more", repair);
      }
      return;
    }
    const auto size = static_cast<std::uint64_t>(status->st_size);
    const bool compares = options_.scope == CheckScope::all;
    if (compares && row.size && *row.size != size) {
      changed(finding, dist, row,
              "has " + std::to_string(size) + " bytes, RECORD says " + std::to_string(*row.size), repair);
      return;
    }
    if (compares && options_.depth == CheckDepth::size_and_time && dist.laid->ours) {
      const FileFact* fact = find_fact(*dist.laid, *row.path);
      if (fact != nullptr && fact->size == size && fact->mtime * second_ns == mtime_ns(*status) &&
          row.digest == fact->sha256.base64url()) {
        if (!fact->has(file_flag::native)) return;
        if (const auto object = dist.laid->facts.object_of(dist.laid->facts.index_of(*fact))) {
          finding.object = std::make_shared<ObjectFacts>(dist.laid->facts.object(*object));
        }
        return;
      }
    }
    if (size == 0 && row.digest.empty()) return;
    const MappedFile mapped = MappedFile::open(root_.get(), path);
    if (looks_like_object(mapped.bytes().substr(0, 64))) {
      if (auto facts = read_object(mapped.bytes()))
        finding.object = std::make_shared<ObjectFacts>(*std::move(facts));
    }
    const auto promised = compares ? promised_digest(row) : std::nullopt;
    if (!promised) return;
    Hasher hasher(promised->first);
    mapped.read_in_pieces([&](std::string_view piece) { hasher.update(piece); });
    if (hasher.finish() != promised->second)
      changed(finding, dist, row, "its digest is not the one in RECORD", repair);
  }

  static void changed(Finding& finding, const RecordedDist& dist, const InstalledFile& row,
                      std::string message, std::string hint) {
    set_problem(finding, dist, row, "file-changed", std::move(message), std::move(hint));
    // Python writes byte-code over what a wheel brought when the times differ.
    if (is_cached_byte_code(row.path->str())) finding.problem->severity = Severity::warning;
  }

  std::string find_broken_link(const RelPath& path) const {
    std::vector<RelPath> prefixes{path};
    for (auto parent = path.parent(); parent; parent = parent->parent()) prefixes.push_back(*parent);
    for (auto prefix = prefixes.rbegin(); prefix != prefixes.rend(); ++prefix) {
      const auto status = try_lstat(root_.get(), prefix->str());
      if (!status) return {};
      if (S_ISLNK(status->st_mode) && !try_stat(root_.get(), prefix->str())) return prefix->str();
    }
    return {};
  }

  const Fd& root_;
  const CheckOptions& options_;
};

struct Claim {
  std::size_t dist;
  const InstalledFile* row;
};

bool differ(const InstalledFile& a, const InstalledFile& b) {
  if (!a.digest.empty() && !b.digest.empty() && ascii_iequal(a.algorithm, b.algorithm))
    return a.digest != b.digest;
  return a.size && b.size && *a.size != *b.size;
}

}  // namespace

FilesReport check_files(const Fd& root, const std::vector<RecordedDist>& dists, const CheckOptions& options) {
  std::vector<Claim> claims;
  for (std::size_t i = 0; i < dists.size(); ++i) {
    for (const InstalledFile& row : dists[i].rows) {
      if (row.path) claims.push_back({i, &row});
    }
  }
  std::vector<Finding> findings(claims.size());
  const FileCheck check(root, options);
  parallel_for(claims.size(), options.jobs,
               [&](std::size_t i) { findings[i] = check.run(dists[claims[i].dist], *claims[i].row); });

  FilesReport report;
  report.files = claims.size();
  std::map<std::string, std::pair<std::size_t, std::size_t>>
      broken;  // link: a distribution, files that are lost
  for (std::size_t i = 0; i < claims.size(); ++i) {
    Finding& finding = findings[i];
    if (finding.problem) report.problems.push_back(*std::move(finding.problem));
    if (!finding.broken_link.empty())
      ++broken.try_emplace(finding.broken_link, claims[i].dist, 0).first->second.second;
    if (finding.object)
      report.objects.push_back({claims[i].row->path->str(), claims[i].dist, std::move(finding.object)});
  }
  for (const auto& [path, lost] : broken) {
    report.problems.push_back(
        {Severity::error, "link-broken", dists[lost.first].name.normalized, path,
         "leads to " + quoted(try_read_link(root.get(), path).value_or("")) +
             ", which is not there; recorded files that are lost: " + std::to_string(lost.second),
         "bring the store back, or axle sync --repair"});
  }
  std::sort(report.objects.begin(), report.objects.end(),
            [](const FoundObject& a, const FoundObject& b) { return a.path < b.path; });
  report.objects.erase(
      std::unique(report.objects.begin(), report.objects.end(),
                  [](const FoundObject& a, const FoundObject& b) { return a.path == b.path; }),
      report.objects.end());
  return report;
}

Diagnostics check_shared_paths(const std::vector<RecordedDist>& dists) {
  Diagnostics problems;
  std::map<std::string, Claim> first;
  for (std::size_t i = 0; i < dists.size(); ++i) {
    for (const InstalledFile& row : dists[i].rows) {
      if (!row.path) continue;
      const auto [known, is_new] = first.try_emplace(row.path->str(), Claim{i, &row});
      if (is_new || known->second.dist == i || !differ(*known->second.row, row)) continue;
      const std::string& other = dists[known->second.dist].name.normalized;
      if (other == dists[i].name.normalized)
        continue;  // a duplicate distribution, which is a finding of its own
      problems.push_back(
          {Severity::error, "path-shared", dists[i].name.normalized, row.path->str(),
           "is recorded by " + other + " and by " + dists[i].name.normalized + " with different content",
           "uninstall one of them and install the other again"});
    }
  }
  return problems;
}

}  // namespace axle
