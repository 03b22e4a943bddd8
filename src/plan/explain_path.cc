// The rules that put files where they are, told backwards: from a path of an environment, by what the receipt
// and the wheels' facts say. What decided is not kept anywhere but in these two, so the answer cannot differ
// from what was done.

#include "plan/explain_path.h"

#include <algorithm>

#include "plan/passes.h"

namespace axle {
namespace {

class Explainer {
 public:
  Explainer(const State& state, const Layout& layout, std::string_view link_mode, const RelPath& path)
      : state_(state), layout_(layout), link_mode_(link_mode), path_(path), result_{path, {}, {}, {}, {},
                                                                                    {},   {}, {}, {}, {}} {}

  PathExplanation explain() {
    const LaidEntry* entry = find_entry();
    if (entry == nullptr) {
      explain_absent();
    } else if (lies_in_another_ones(*entry)) {
      if (!explain_byte_code()) rule("unrecorded", "nobody recorded it");
    } else if (std::all_of(entry->owners.begin(), entry->owners.end(),
                           [](DistId owner) { return owner == environment_itself; })) {
      say_how_laid(*entry);
      rule("environment-file", "the environment itself needs it");
    } else {
      explain_entry(*entry);
    }
    return std::move(result_);
  }

 private:
  void rule(std::string name, std::string reason) {
    result_.rule = std::move(name);
    result_.reason = std::move(reason);
  }

  // The entry at the path, or the tree or link that it is in.
  const LaidEntry* find_entry() const {
    for (std::optional<RelPath> path = path_; path; path = path->parent()) {
      const auto found =
          std::lower_bound(state_.entries.begin(), state_.entries.end(), *path,
                           [](const LaidEntry& entry, const RelPath& wanted) { return entry.path < wanted; });
      if (found == state_.entries.end() || found->path != *path) continue;
      if (*path == path_ || found->kind == LaidKind::tree || found->kind == LaidKind::link) return &*found;
    }
    return nullptr;
  }

  // In a directory that was laid as a whole, and not from its wheel.
  bool lies_in_another_ones(const LaidEntry& entry) const {
    if (entry.path == path_ || entry.owners.front() == environment_itself) return false;
    return std::all_of(entry.owners.begin(), entry.owners.end(), [&](DistId owner) {
      const LaidDist& dist = state_.dists[owner];
      return dist.ours && !find_file_at(layout_, dist.facts, path_.str()) &&
             !has_dir_at(layout_, dist.facts, path_.str());
    });
  }

  void say_how_laid(const LaidEntry& entry) {
    switch (entry.kind) {
      case LaidKind::link:
        result_.laid = entry.path == path_ ? "symlink" : "inside-symlink";
        result_.link = entry.path.str();
        break;
      case LaidKind::directory:
        result_.laid = "directory";
        break;
      default:
        result_.laid = "file";
    }
  }

  void name_wheel(const LaidDist& dist, std::optional<std::uint32_t> file) {
    if (!dist.ours) return;
    result_.wheel = std::string(dist.facts.file_name());
    result_.wheel_sha256 = dist.facts.wheel_sha256().hex();
    if (!file) return;
    const FileFact& fact = dist.facts.file(*file);
    result_.member = std::string(to_string(dist.facts.scheme_of(fact))) + ": " + dist.facts.path_of(*file);
    result_.classification = classify_file(dist.facts, *file);
  }

  std::string why_link(const LaidEntry& entry) const {
    if (entry.kind == LaidKind::link) {
      return entry.path == path_
                 ? "; a symbolic link into the store, because --link-mode symlink links what has one owner"
                 : "; behind the symbolic link " + entry.path.str() +
                       ", the shallowest directory with one owner";
    }
    if (link_mode_ != "symlink") return {};
    const std::string scripts = join_path(layout_.scripts, "") + "/";
    if (path_.str().starts_with(scripts))
      return "; a real file, because programs find what they need from their real path";
    if (entry.kind == LaidKind::tree) {
      return "; a real file, because a library in this directory looks for others outside of it, which links "
             "would break";
    }
    return "; a real file, because it is written for this environment";
  }

  // Wheels that have another file for this place.
  std::string losers(const LaidEntry& entry) const {
    std::string text;
    for (DistId id = 0; id < state_.dists.size(); ++id) {
      const LaidDist& dist = state_.dists[id];
      if (!dist.ours || std::find(entry.owners.begin(), entry.owners.end(), id) != entry.owners.end())
        continue;
      if (find_file_at(layout_, dist.facts, path_.str())) text += (text.empty() ? "" : ", ") + dist.name;
    }
    return text.empty() ? text : "; " + text + " has a file for this place too, and lost";
  }

  void explain_entry(const LaidEntry& entry) {
    say_how_laid(entry);
    for (const DistId owner : entry.owners) {
      if (owner != environment_itself) result_.owners.push_back(state_.dists[owner].name);
    }
    const LaidDist& dist =
        state_.dists[entry.owners.front() == environment_itself ? entry.owners.back() : entry.owners.front()];
    const auto file = find_file_at(layout_, dist.facts, path_.str());
    name_wheel(dist, file);
    if (!dist.ours) {
      rule("other-tool", "the RECORD of " + dist.name +
                             " lists it; another tool installed that, or its wheel is not in this store");
      return;
    }
    say_what(dist, file);
    if (result_.owners.size() > 1) {
      result_.rule = "shared-file";
      result_.reason += "; " + std::to_string(result_.owners.size()) + " distributions bring the same bytes";
    }
    result_.reason += why_link(entry) + losers(entry);
  }

  void say_what(const LaidDist& dist, std::optional<std::uint32_t> file) {
    const std::string in_info = dist.dist_info.str() + "/";
    const std::string scripts = join_path(layout_.scripts, "") + "/";
    const std::string_view name = path_.name();
    if (path_.str() == in_info + "RECORD") {
      return rule("record", "written from the digests of what lies there");
    }
    for (const std::string_view own : {"INSTALLER", "REQUESTED", "direct_url.json"}) {
      if (path_.str() == in_info + std::string(own)) {
        return rule("installer-file", "installers write it, whatever the wheel has there");
      }
    }
    if (scripts.size() > 1 && path_.str().starts_with(scripts)) {
      for (const EntryPoint& point : dist.facts.entry_points()) {
        if (!is_script_group(point.group) || (point.name != name && point.name + ".exe" != name)) continue;
        return rule("entry-point", point.group + " has " + point.name + " = " + point.value);
      }
      if (file && dist.facts.file(*file).has(file_flag::script_python)) {
        return rule("rewritten-script",
                    "a script of the wheel, whose #!python became the environment's interpreter");
      }
    }
    if (!file) return rule("package-directory", "a directory of the wheel");
    rule("wheel-file", "a file of the wheel as it is");
  }

  void explain_absent() {
    if (explain_byte_code() || explain_left_out()) return;
    std::vector<std::string> owners;
    const auto first =
        std::lower_bound(state_.entries.begin(), state_.entries.end(), path_,
                         [](const LaidEntry& entry, const RelPath& wanted) { return entry.path < wanted; });
    for (auto it = first; it != state_.entries.end() && it->path.is_within(path_); ++it) {
      for (const DistId owner : it->owners) {
        if (owner != environment_itself) owners.push_back(state_.dists[owner].name);
      }
    }
    if (first != state_.entries.end() && first->path.is_within(path_)) {
      std::sort(owners.begin(), owners.end());
      owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
      result_.owners = std::move(owners);
      result_.laid = "directory";
      const std::size_t count = result_.owners.size();
      rule("package-directory", count > 1 ? "a real directory, because " + std::to_string(count) +
                                                " distributions have files in it"
                                          : "a real directory, because of what lies in it");
      return;
    }
    rule("unrecorded", "nobody recorded it");
  }

  // demo/__pycache__/x.cpython-312.pyc belongs to the owner of demo/x.py.
  bool explain_byte_code() {
    const auto cache = path_.parent();
    if (!cache || cache->name() != "__pycache__" || !path_.name().ends_with(".pyc")) return false;
    const std::string stem(path_.name().substr(0, path_.name().find('.')));
    const auto dir = cache->parent();
    const auto source = RelPath::try_parse(join_path(dir, stem + ".py"));
    if (!source) return false;
    PathExplanation of_source = Explainer(state_, layout_, link_mode_, *source).explain();
    if (of_source.owners.empty()) return false;
    result_ = std::move(of_source);
    result_.path = path_;
    result_.laid.clear();
    result_.classification = Classification{FileClass::byte_code, "compiled Python by its name"};
    rule("byte-code", "Python compiled " + source->str() + ", and removing that removes it");
    return true;
  }

  static bool has_entry_point(const WheelFacts& facts, std::string_view name) {
    const auto points = facts.entry_points();
    return std::any_of(points.begin(), points.end(), [&](const EntryPoint& point) {
      return is_script_group(point.group) && point.name == name;
    });
  }

  bool explain_left_out() {
    for (const LaidDist& dist : state_.dists) {
      if (!dist.ours) continue;
      const auto file = find_file_at(layout_, dist.facts, path_.str());
      if (!file) continue;
      result_.owners.push_back(dist.name);
      name_wheel(dist, file);
      // Where another file won, that one is there. Only a launcher for Windows has another name than the
      // script that it replaces.
      const bool replaced = dist.facts.scheme_of(dist.facts.file(*file)) == Scheme::scripts &&
                            has_entry_point(dist.facts, path_.name());
      rule("left-out", "the wheel of " + dist.name + " has it, and " +
                           (replaced ? "the launcher of its entry point of that name replaced it"
                                     : "--prune left it out"));
      return true;
    }
    return false;
  }

  const State& state_;
  const Layout& layout_;
  std::string_view link_mode_;
  const RelPath& path_;
  PathExplanation result_;
};

}  // namespace

PathExplanation explain_path(const State& state, const Layout& layout, std::string_view link_mode,
                             const RelPath& path) {
  return Explainer(state, layout, link_mode, path).explain();
}

}  // namespace axle
