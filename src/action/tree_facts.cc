#include "action/tree_facts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "axle/base/error.h"
#include "axle/env/installed.h"
#include "axle/wheel/dist_info.h"
#include "axle/wheel/inspect.h"
#include "base/file.h"
#include "base/parallel.h"
#include "plan/passes.h"
#include "wheel/roles.h"

namespace axle {
namespace {

struct Where {
  Scheme scheme;
  std::string below;
};

// A path of the tree as a scheme's: scripts, packages, and everything else as data.
Where place_of(const Layout& layout, const RelPath& path, Scheme lib_scheme) {
  const auto below = [&](const std::optional<RelPath>& dir) -> std::optional<std::string> {
    if (!dir) return path.str();
    if (!path.is_within(*dir) || path == *dir) return std::nullopt;
    return path.str().substr(dir->str().size() + 1);
  };
  if (layout.scripts) {
    if (const auto name = below(layout.scripts); name && name->find('/') == std::string::npos)
      return {Scheme::scripts, *name};
  }
  if (const auto package = below(layout.purelib)) return {lib_scheme, *package};
  if (const auto package = below(layout.platlib)) return {lib_scheme, *package};
  return {Scheme::data, path.str()};
}

// One distribution on its way to facts.
class TreeReader {
 public:
  TreeReader(const Fd& root, const Layout& layout, const InstalledDist& dist, const std::string& name)
      : root_(root), layout_(layout), dist_(dist), name_(name) {
    head_.wheel = name + "/" + dist.dist_info.str();
    head_.file_name = head_.wheel;
    head_.dist_info = dist.dist_info.name();
  }

  TreeDist run(VerifyLevel level, unsigned jobs) {
    const std::string info = dist_.dist_info.str();
    head_.metadata = parse_metadata(require(info + "/METADATA"), head_.wheel + "/METADATA");
    head_.wheel_file = parse_wheel_file(require(info + "/WHEEL"), head_.wheel + "/WHEEL");
    const std::string record = require(info + "/RECORD");
    assign(parse_installed_record(record, layout_, dist_, head_.wheel + "/RECORD"));
    std::vector<MemberFacts> members(head_.roles.size());
    parallel_for(members.size(), jobs, [&](std::size_t i) { members[i] = look(i); });
    TreeDist result{make_facts(head_, members, Sha256::of(record)), false, std::nullopt};
    if (!result.facts.record_ok() && level != VerifyLevel::archive && level != VerifyLevel::none) {
      const RecordFault fault = result.facts.record_faults().front();
      throw Error(ErrorCode::integrity, Place{head_.wheel + "/RECORD"},
                  "is wrong about " + fault.path + ": " + fault.what,
                  "unpack the wheel again, or accept it with --verify archive");
    }
    result.requested = is_requested(root_.get(), dist_);
    result.direct_url = read_direct_url(root_.get(), dist_);
    return result;
  }

  const std::vector<std::string>& paths() const { return paths_; }

 private:
  std::string require(const std::string& path) {
    auto text = try_read_file(root_.get(), path);
    if (!text) {
      throw Error(ErrorCode::bad_input, Place{name_ + "/" + path}, "is missing in the tree",
                  "a tree is what axle action unpack or merge made");
    }
    paths_.push_back(path);
    return *std::move(text);
  }

  void assign(const std::vector<InstalledFile>& rows) {
    std::set<std::string> seen;
    for (const InstalledFile& row : rows) {
      if (!row.path) {
        throw Error(ErrorCode::bad_input, Place{head_.wheel + "/RECORD"},
                    "names " + row.recorded + ", which is outside of the tree");
      }
      if (!seen.insert(row.path->str()).second) continue;
      const std::string dist_info = dist_.dist_info.str() + "/";
      const std::string& path = row.path->str();
      if (path.starts_with(dist_info) && is_installers_file(std::string_view(path).substr(dist_info.size())))
        continue;
      const auto status = try_stat(root_.get(), path);
      if (!status || !S_ISREG(status->st_mode)) {
        throw Error(ErrorCode::integrity, Place{name_ + "/" + path}, "is in RECORD, and no file of the tree",
                    "unpack the wheel again");
      }
      add(row, *status);
    }
    // Bazel gives every file of a tree an x bit; then nothing is known of the real ones but that scripts have
    // them.
    const auto metadata = try_stat(root_.get(), dist_info_file("METADATA"));
    if (metadata && (metadata->st_mode & 0111) != 0) {
      for (MemberRole& role : head_.roles) role.executable = role.scheme == Scheme::scripts;
    }
  }

  std::string dist_info_file(const char* name) const { return dist_.dist_info.str() + "/" + name; }

  void add(const InstalledFile& row, const struct stat& status) {
    Where where = place_of(layout_, *row.path, head_.root_scheme());
    MemberRole role;
    role.path = RelPath::parse(where.below);
    role.scheme = where.scheme;
    role.want = want_of(where.scheme, where.below);
    role.executable = (status.st_mode & 0111) != 0;
    Expectation expected;
    expected.size = row.size;
    if (const auto digest = base64url_decode(row.digest); digest && row.algorithm == "sha256")
      expected.digest = *digest;
    role.expected = std::move(expected);
    head_.roles.push_back(std::move(role));
    head_.mtimes.push_back(status.st_mtim.tv_sec);
    paths_.push_back(row.path->str());
    member_paths_.push_back(row.path->str());
  }

  MemberFacts look(std::size_t index) const {
    const std::string& path = member_paths_[index];
    const MappedFile file = MappedFile::open(root_.get(), path);
    return inspect_member(head_, index, file.bytes());
  }

  const Fd& root_;
  const Layout& layout_;
  const InstalledDist& dist_;
  const std::string& name_;
  WheelHead head_;
  std::vector<std::string> member_paths_;  // of head_.roles
  std::vector<std::string> paths_;
};

}  // namespace

TreeContent read_tree(const Fd& root, const Layout& layout, const std::string& name, VerifyLevel level,
                      unsigned jobs) {
  const Installed installed = read_installed(root.get(), layout);
  if (installed.dists.empty()) {
    throw Error(ErrorCode::bad_input, Place{name},
                "has no dist-info in " + (layout.purelib ? layout.purelib->str() : std::string("its root")),
                "a tree is what axle action unpack or merge made, for the same layout and Python");
  }
  TreeContent content;
  for (const InstalledDist& dist : installed.dists) {
    TreeReader reader(root, layout, dist, name);
    content.dists.push_back(reader.run(level, jobs));
    content.read.insert(content.read.end(), reader.paths().begin(), reader.paths().end());
  }
  std::sort(content.read.begin(), content.read.end());
  content.read.erase(std::unique(content.read.begin(), content.read.end()), content.read.end());
  return content;
}

DistTree tree_of(const Layout& layout, const WheelFacts& facts, TreeShape shape) {
  DistTree tree;
  for (const Scheme scheme : all_schemes) {
    std::string& dir = tree.schemes[static_cast<std::size_t>(scheme)];
    dir = scheme_path(layout, scheme, facts.name());
    if (shape == TreeShape::as_read && scheme == Scheme::data) dir.clear();
  }
  return tree;
}

}  // namespace axle
