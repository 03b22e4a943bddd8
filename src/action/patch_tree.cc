#include "action/patch_tree.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "action/patch_text.h"
#include "axle/base/error.h"
#include "axle/wheel/dist_info.h"
#include "axle/wheel/facts_builder.h"
#include "axle/wheel/inspect.h"
#include "axle/wheel/metadata.h"
#include "base/file.h"
#include "plan/passes.h"
#include "plan/place_of.h"
#include "wheel/roles.h"

namespace axle {
namespace {

constexpr std::uint64_t max_patched_file = 64U << 20;
constexpr std::int64_t first_zip_time = 315532800;  // 1980-01-01
constexpr std::int64_t second_ns = 1'000'000'000;

using Key = std::pair<Scheme, std::string>;

struct Content {
  std::string bytes;
  bool executable = false;
  std::int64_t mtime = first_zip_time;
};

std::string staged(const Key& key) { return std::string(tree_prefix(key.first)) + "/" + key.second; }

// A patch or a part of one, for messages.
struct At {
  const std::string& name;
  std::size_t line;

  [[noreturn]] void fail(ErrorCode code, std::string what, std::string hint = {}) const {
    throw Error(code, Place{name, line}, std::move(what), std::move(hint));
  }
};

class TreePatcher {
 public:
  TreePatcher(const Fd& scratch, const std::string& tree, const WheelFacts& facts, const PatchJob& job)
      : scratch_(scratch), tree_(tree), facts_(facts), job_(job) {}

  void apply(const PatchText& patch) {
    for (const FilePatch& part : parse_patch(patch.bytes, patch.name, job_.strip)) {
      const At at{patch.name, part.line};
      using Kind = FilePatch::Kind;
      switch (part.kind) {
        case Kind::change:
          change(part, at);
          break;
        case Kind::create:
          put(part, {}, place(part.new_path, at), at);
          break;
        case Kind::remove: {
          const Key from = place(part.old_path, at);
          static_cast<void>(apply_patch(require(from, part.old_path, at).bytes, part, patch.name));
          files_[from] = std::nullopt;
          break;
        }
        case Kind::rename:
        case Kind::copy: {
          const Key from = place(part.old_path, at);
          Content content = require(from, part.old_path, at);
          if (part.kind == Kind::rename) files_[from] = std::nullopt;
          put(part, std::move(content), place(part.new_path, at), at);
        }
      }
    }
  }

  // What is true of the wheel with all of that. Nothing is written yet.
  WheelFacts facts() const {
    FactsBuilder builder = FactsBuilder::without(facts_, replaced());
    WheelHead head;
    head.root_scheme();
    for (const auto& [key, content] : files_) {
      if (!content) continue;
      MemberRole role;
      role.path = RelPath::parse(key.second);
      role.scheme = key.first;
      role.want = want_of(key.first, key.second);
      role.executable = content->executable;
      head.roles.assign(1, role);
      const MemberFacts found = inspect_member(head, 0, content->bytes);
      builder.file(key.first, *role.path, FileInput{found.size, found.sha256, found.flags, content->mtime});
      if (found.details) {
        if (found.details->init) builder.init(*found.details->init);
        if (found.details->startup_text) builder.startup_text(*found.details->startup_text);
        if (found.details->object) builder.object(*found.details->object);
      }
      if (is_lib(key.first) && key.second == metadata_path()) builder.metadata(read_metadata(content->bytes));
    }
    return builder.build();
  }

  void write() const {
    for (const std::uint32_t file : replaced())
      remove({facts_.scheme_of(facts_.file(file)), facts_.path_of(file)});
    for (const auto& [key, content] : files_) {
      if (!content) continue;
      const std::string path = tree_ + "/" + staged(key);
      make_dirs(scratch_.get(), path.substr(0, path.rfind('/')));
      create_file(scratch_.get(), path, content->bytes,
                  {content->executable ? 0755U : 0644U, job_.mtime_ns.value_or(content->mtime * second_ns)});
    }
  }

 private:
  std::string metadata_path() const { return std::string(facts_.dist_info()) + "/METADATA"; }

  Metadata read_metadata(std::string_view text) const {
    Metadata metadata = parse_metadata(text, metadata_path());
    if (metadata.name == facts_.name() && metadata.version == facts_.version()) return metadata;
    throw Error(ErrorCode::conflict, Place{metadata_path()}, "gets another name or version by a patch",
                "that would be another distribution");
  }

  void change(const FilePatch& part, const At& at) {
    const Key old_place = place(part.old_path, at);
    const Key new_place = place(part.new_path, at);
    const bool has_old = find(old_place).has_value();
    const bool has_new = find(new_place).has_value();
    if (has_old && has_new && old_place != new_place) {
      at.fail(ErrorCode::bad_input,
              "names two files that are both there: " + part.old_path + ", " + part.new_path,
              "both names are to be the file's");
    }
    if (has_old || has_new) {
      const Key& key = has_old ? old_place : new_place;
      Content content = *find(key);
      files_[key] = std::nullopt;
      put(part, std::move(content), key, at);
      return;
    }
    // diff without -N's times, of a file that is new.
    const bool is_new = part.hunks.size() == 1 && part.hunks.front().old_count == 0;
    if (!is_new) static_cast<void>(require(new_place, part.new_path, at));
    put(part, {}, new_place, at);
  }

  void put(const FilePatch& part, Content content, const Key& key, const At& at) {
    if (find(key)) at.fail(ErrorCode::conflict, "makes " + part.new_path + ", which is there already");
    content.bytes = apply_patch(content.bytes, part, at.name);
    content.executable = part.executable.value_or(content.executable) || key.first == Scheme::scripts;
    files_[key] = std::move(content);
  }

  // Where a path of the patch is.
  Key place(const std::string& path, const At& at) const {
    if (const char* fault = rel_path_fault(path))
      at.fail(ErrorCode::bad_input, "names " + path + ", which " + std::string(fault));
    Key key;
    if (const auto file = find_file_at(job_.layout, facts_, path)) {
      key = {facts_.scheme_of(facts_.file(*file)), facts_.path_of(*file)};
    } else {
      const std::string lib = scheme_path(job_.layout, facts_.root_scheme(), facts_.name());
      const std::string below = lib.empty() ? "" : lib + "/";
      if (!path.starts_with(below)) {
        at.fail(ErrorCode::conflict, "names " + path + ", which is nothing that the wheel brings",
                "paths are those of the tree that is made (" + below +
                    "NAME); --patch-strip N takes components away");
      }
      key = {facts_.root_scheme(), path.substr(below.size())};
    }
    check_may_change(key, at);
    return key;
  }

  void check_may_change(const Key& key, const At& at) const {
    const std::string info = std::string(facts_.dist_info()) + "/";
    if (!is_lib(key.first) || !key.second.starts_with(info)) return;
    const std::string name = key.second.substr(info.size());
    if (is_installers_file(name))
      at.fail(ErrorCode::conflict, "patches " + name + ", which is written anew",
              "leave it out of the patch");
    if (name == "WHEEL" || name == "entry_points.txt") {
      at.fail(ErrorCode::conflict, "patches " + name + ", by which was decided what is made of the wheel",
              "change the wheel itself");
    }
  }

  std::optional<Content> find(const Key& key) const {
    if (const auto known = files_.find(key); known != files_.end()) return known->second;
    const auto index = facts_.find(key.first, key.second);
    if (!index) return std::nullopt;
    const FileFact& file = facts_.file(*index);
    return Content{read_file(scratch_.get(), tree_ + "/" + staged(key), max_patched_file),
                   file.has(file_flag::executable), file.mtime};
  }
  Content require(const Key& key, const std::string& path, const At& at) const {
    auto content = find(key);
    if (!content) {
      at.fail(ErrorCode::conflict, "patches " + path + ", which is nothing that the wheel brings",
              "the patch was made for other content, or --patch-strip is another number");
    }
    return *std::move(content);
  }

  // Files of the wheel that are no more as they were, sorted: what was patched, and its byte-code.
  std::vector<std::uint32_t> replaced() const {
    std::vector<std::uint32_t> result;
    for (const auto& [key, content] : files_) {
      if (const auto file = facts_.find(key.first, key.second)) result.push_back(*file);
      if (!is_lib(key.first) || !key.second.ends_with(".py")) continue;
      const std::size_t slash = key.second.rfind('/');
      const std::string dir = slash == std::string::npos ? "" : key.second.substr(0, slash + 1);
      const std::string stem = key.second.substr(dir.size(), key.second.size() - dir.size() - 2);
      const auto cache = facts_.find_dir(key.first, dir + "__pycache__");
      if (!cache) continue;
      for (const FileFact& file : facts_.files_in(facts_.dir(*cache))) {
        if (facts_.name(file).starts_with(stem) && file.has(file_flag::pyc))
          result.push_back(facts_.index_of(file));
      }
    }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
  }

  // With the directories that it leaves empty.
  void remove(const Key& key) const {
    std::string path = tree_ + "/" + staged(key);
    unlink_at(scratch_.get(), path);
    const std::size_t least = tree_.size() + 1 + tree_prefix(key.first).size();
    while (true) {
      path.resize(path.rfind('/'));
      if (path.size() <= least || !remove_dir_if_empty(scratch_.get(), path)) return;
    }
  }

  const Fd& scratch_;
  const std::string& tree_;
  const WheelFacts& facts_;
  const PatchJob& job_;
  std::map<Key, std::optional<Content>> files_;  // nullopt: gone
};

[[noreturn]] void refuse_change(const std::string& what) {
  throw Error(ErrorCode::conflict, "a patch " + what,
              "builds decide by that before they unpack; change the wheel itself");
}

bool is_native(const WheelFacts& facts, const FileFact& file) {
  const std::string_view name = facts.name(file);
  const std::size_t version = name.find(".so.");
  return file.has(file_flag::native) || name.ends_with(".so") || name.ends_with(".pyd") ||
         name.ends_with(".dylib") || name.ends_with(".dll") || version != std::string_view::npos;
}

struct Shape {
  std::set<std::string> top_levels;
  std::set<std::string> natives;
  std::set<std::string> elsewhere;  // outside of site-packages
};

Shape shape_of(const WheelFacts& facts) {
  Shape shape;
  for (std::uint32_t i = 0; i < facts.files().size(); ++i) {
    const FileFact& file = facts.file(i);
    const Key key{facts.scheme_of(file), facts.path_of(i)};
    if (is_native(facts, file)) shape.natives.insert(staged(key));
    if (is_lib(key.first)) {
      shape.top_levels.insert(key.second.substr(0, key.second.find('/')));
    } else {
      shape.elsewhere.insert(staged(key));
    }
  }
  return shape;
}

void require_same(const std::set<std::string>& before, const std::set<std::string>& after, const char* what) {
  std::vector<std::string> other;
  std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                std::back_inserter(other));
  if (!other.empty())
    refuse_change((after.contains(other.front()) ? "adds " : "removes ") + other.front() + what);
}

void require_same_shape(const WheelFacts& before, const WheelFacts& after) {
  const Shape a = shape_of(before);
  const Shape b = shape_of(after);
  require_same(a.top_levels, b.top_levels, ", a name at the top of site-packages");
  require_same(a.natives, b.natives, ", a native file");
  require_same(a.elsewhere, b.elsewhere, ", outside of site-packages");
  for (std::uint32_t i = 0; i < before.dirs().size(); ++i) {
    const DirFact& dir = before.dir(i);
    if (!is_lib(dir.scheme)) continue;
    const std::string path = before.dir_path(i);
    const auto now = after.find_dir(dir.scheme, path);
    if (!now || after.dir(*now).kind == dir.kind) continue;
    refuse_change("makes " + path + " a " + std::string(to_string(after.dir(*now).kind)) +
                  " package, which is a " + std::string(to_string(dir.kind)) + " one");
  }
}

enum class Preserved { none, file, directory };
Preserved look_for(const WheelFacts& facts, const std::string& path) {
  for (const Scheme scheme : {Scheme::purelib, Scheme::platlib}) {
    if (facts.find(scheme, path)) return Preserved::file;
    if (facts.find_dir(scheme, path)) return Preserved::directory;
  }
  return Preserved::none;
}

}  // namespace

WheelFacts patch_tree(const Fd& scratch, const std::string& tree, const WheelFacts& facts,
                      const PatchJob& job) {
  for (const std::string& path : job.preserved) {
    if (look_for(facts, path) == Preserved::none)
      throw Error(ErrorCode::no_match, "--preserve-path " + path + " is nothing that the wheel brings");
  }
  if (job.patches.empty()) return facts;
  TreePatcher patcher(scratch, tree, facts, job);
  for (const PatchText& patch : job.patches) patcher.apply(patch);
  WheelFacts result = patcher.facts();
  require_same_shape(facts, result);
  for (const std::string& path : job.preserved) {
    if (look_for(facts, path) != look_for(result, path))
      refuse_change("takes " + path + " away, which is to be preserved");
  }
  patcher.write();
  return result;
}

}  // namespace axle
