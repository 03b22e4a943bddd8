// From a list of files to directories in pre-order, with everything that is known of a directory as a whole.

#include <algorithm>
#include <numeric>
#include <set>

#include "axle/base/error.h"
#include "base/text.h"
#include "wheel/facts_model.h"
#include "wheel/lines.h"

namespace axle {
namespace {

// Pre-order: of one directory first its files, then its directories, both by name.
bool comes_before(const ModelFile& a, const ModelFile& b) noexcept {
  if (a.scheme != b.scheme) return a.scheme < b.scheme;
  const std::size_t at = common_prefix(a.path, b.path);
  // The component where they differ is the last of a path iff no '/' follows. It begins at or before `at`.
  const bool a_is_file = a.name_start <= at;
  const bool b_is_file = b.name_start <= at;
  if (a_is_file != b_is_file) return a_is_file;
  if (at == a.path.size() || at == b.path.size()) return a.path.size() < b.path.size();
  const auto rank = [](char c) { return c == '/' ? -1 : static_cast<int>(static_cast<unsigned char>(c)); };
  return rank(a.path[at]) < rank(b.path[at]);
}

[[noreturn]] void contradicts(std::string_view path, std::string_view what) {
  throw Error(ErrorCode::bad_input,
              "the wheel contradicts itself: " + quoted(path) + " " + std::string(what));
}

// "demo" of demo.py, demo.pyc, demo.abi3.so and demo.cp312-win_amd64.pyd; "" when it cannot be imported.
// spec: importlib.machinery: SOURCE_SUFFIXES, BYTECODE_SUFFIXES, EXTENSION_SUFFIXES.
std::string_view module_name(std::string_view file) noexcept {
  for (const std::string_view suffix : {".py", ".pyc", ".so", ".pyd"}) {
    if (!file.ends_with(suffix)) continue;
    const bool extension = suffix == ".so" || suffix == ".pyd";
    const auto stem =
        extension ? file.substr(0, file.find('.')) : file.substr(0, file.size() - suffix.size());
    return is_identifier(stem) ? stem : std::string_view();
  }
  return {};
}

class TreeMaker {
 public:
  TreeMaker(const FactsModel& model, std::string_view dist_info, TextPool& texts)
      : model_(model), dist_info_(dist_info), texts_(texts) {}

  FactsTree run() {
    nest();
    close_to(0);
    check_libs();
    gather();
    classify();
    return std::move(tree_);
  }

 private:
  void nest() {
    std::vector<std::uint32_t> order(model_.files.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto before = [&](std::uint32_t a, std::uint32_t b) {
      return comes_before(model_.files[a], model_.files[b]);
    };
    if (!std::is_sorted(order.begin(), order.end(), before))
      std::stable_sort(order.begin(), order.end(), before);
    tree_.place.resize(order.size());
    tree_.files.reserve(order.size());
    tree_.source.reserve(order.size());
    const ModelFile* last = nullptr;
    for (const std::uint32_t index : order) {
      const ModelFile& file = model_.files[index];
      if (last != nullptr && last->scheme == file.scheme && last->path == file.path) {
        if (last->sha256 != file.sha256) contradicts(file.path, "comes twice with different content");
        tree_.files.back().flags |= file.flags;
      } else {
        enter(file);
        add(file, index);
        last = &file;
      }
      tree_.place[index] = static_cast<std::uint32_t>(tree_.files.size() - 1);
    }
  }

  // Opens the directories of `file`, and closes those that it is not in.
  void enter(const ModelFile& file) {
    const auto count = [](const auto& items) { return static_cast<std::uint32_t>(items.size()); };
    if (open_.empty() || tree_.dirs[open_.front().dir].scheme != file.scheme) {
      close_to(0);
      const std::uint32_t root = count(tree_.dirs);
      tree_.roots[static_cast<std::size_t>(file.scheme)] = root;
      DirFact fact;
      fact.parent = root;
      fact.scheme = file.scheme;
      fact.first_file = count(tree_.files);
      tree_.dirs.push_back(fact);
      tree_.dir_names.emplace_back();
      open_.push_back({root, {}});
    }
    std::size_t at = 0;
    std::size_t depth = 1;
    while (at < file.name_start) {
      const std::size_t end = file.path.find('/', at);
      const auto component = std::string_view(file.path).substr(at, end - at);
      if (depth >= open_.size() || open_[depth].name != component) {
        close_to(depth);
        open_dir(component, file);
      }
      at = end + 1;
      ++depth;
    }
    close_to(depth);
  }

  void open_dir(std::string_view component, const ModelFile& file) {
    const std::uint32_t parent = open_.back().dir;
    const std::uint32_t first = tree_.dirs[parent].first_file;
    const auto begin = tree_.source.begin() + first;
    const auto end = begin + tree_.dirs[parent].file_count;
    const auto clash = std::lower_bound(
        begin, end, component,
        [&](std::uint32_t source, std::string_view key) { return model_.files[source].name() < key; });
    if (clash != end && model_.files[*clash].name() == component) {
      contradicts(model_.files[*clash].path, "is a file and a directory");
    }
    DirFact fact;
    fact.name = texts_.add(component);
    fact.parent = parent;
    fact.scheme = file.scheme;
    fact.first_file = static_cast<std::uint32_t>(tree_.files.size());
    open_.push_back({static_cast<std::uint32_t>(tree_.dirs.size()), component});
    tree_.dirs.push_back(fact);
    tree_.dir_names.push_back(component);
  }

  void close_to(std::size_t depth) {
    for (; open_.size() > depth; open_.pop_back()) {
      tree_.dirs[open_.back().dir].dir_end = static_cast<std::uint32_t>(tree_.dirs.size());
      tree_.dirs[open_.back().dir].file_end = static_cast<std::uint32_t>(tree_.files.size());
    }
  }

  void add(const ModelFile& file, std::uint32_t index) {
    FileFact fact;
    fact.name = texts_.add(file.name());
    fact.dir = open_.back().dir;
    fact.flags = file.flags;
    if (is_lib(file.scheme) && file.path.size() > dist_info_.size() && file.path.starts_with(dist_info_) &&
        file.path[dist_info_.size()] == '/') {
      fact.flags |= file_flag::dist_info;
    }
    fact.size = file.size;
    fact.mtime = file.mtime;
    fact.sha256 = file.sha256;
    ++tree_.dirs[fact.dir].file_count;
    tree_.files.push_back(fact);
    tree_.source.push_back(index);
  }

  // purelib and platlib are one directory nearly everywhere, so what they both have must agree.
  void check_libs() const {
    if (tree_.roots[0] == no_dir || tree_.roots[1] == no_dir) return;
    const DirFact& pure = tree_.dirs[tree_.roots[0]];
    const DirFact& plat = tree_.dirs[tree_.roots[1]];
    const auto paths_of = [&](const DirFact& root) {
      std::vector<std::string_view> paths;
      for (std::uint32_t file = root.first_file; file < root.file_end; ++file) {
        paths.push_back(model_.files[tree_.source[file]].path);
      }
      return paths;
    };
    struct Claim {
      std::string_view path;
      std::uint32_t file;
    };
    std::vector<Claim> claims;
    for (const DirFact* root : {&pure, &plat}) {
      std::uint32_t file = root->first_file;
      for (const auto path : paths_of(*root)) claims.push_back({path, file++});
    }
    // By component, so that what lies below a file follows it.
    std::sort(claims.begin(), claims.end(),
              [](const Claim& a, const Claim& b) { return compare_paths(a.path, b.path) < 0; });
    for (std::size_t i = 1; i < claims.size(); ++i) {
      const auto before = claims[i - 1].path;
      const auto path = claims[i].path;
      if (path == before && tree_.files[claims[i].file].sha256 != tree_.files[claims[i - 1].file].sha256) {
        contradicts(path, "comes twice with different content");
      }
      if (path.size() > before.size() && path.starts_with(before) && path[before.size()] == '/') {
        contradicts(before, "is a file and a directory");
      }
    }
  }

  // Sums and flags, from the leaves to the roots.
  void gather() {
    for (const auto& [source, object] : model_.objects) {
      const std::size_t levels = levels_out(object);
      std::uint32_t at = tree_.files[tree_.place[source]].dir;
      for (std::size_t level = 0; level < levels; ++level) {
        tree_.dirs[at].flags |= dir_flag::reaches_out;
        if (tree_.dirs[at].parent == at) break;
        at = tree_.dirs[at].parent;
      }
    }
    for (std::uint32_t index = static_cast<std::uint32_t>(tree_.dirs.size()); index-- > 0;) {
      DirFact& dir = tree_.dirs[index];
      for (std::uint32_t file = dir.first_file; file < dir.first_file + dir.file_count; ++file) {
        const FileFact& fact = tree_.files[file];
        dir.subtree_bytes += fact.size;
        if (fact.has(file_flag::native)) dir.flags |= dir_flag::native;
        if (fact.has(file_flag::executable)) dir.flags |= dir_flag::executable;
        if (fact.has(file_flag::pyc)) dir.flags |= dir_flag::pyc;
        if (fact.has(file_flag::python)) dir.flags |= dir_flag::python;
        if (fact.has(file_flag::startup)) dir.flags |= dir_flag::startup;
      }
      if (dir.parent == index) continue;
      DirFact& parent = tree_.dirs[dir.parent];
      parent.subtree_bytes += dir.subtree_bytes;
      // Reaching out of a directory says nothing of the one above it.
      parent.flags |= static_cast<std::uint8_t>(dir.flags & ~dir_flag::reaches_out);
    }
  }

  // What import makes of each directory. spec: PEP 420 "Specification".
  void classify() {
    std::vector<bool> importable(tree_.dirs.size());  // something below it can be imported through it
    std::vector<NamespaceKind> init(tree_.dirs.size(), NamespaceKind::not_package);
    std::set<std::string_view> roots;
    for (std::uint32_t index = static_cast<std::uint32_t>(tree_.dirs.size()); index-- > 0;) {
      const DirFact& dir = tree_.dirs[index];
      if (!is_lib(dir.scheme)) continue;
      const bool is_root = dir.parent == index;
      for (std::uint32_t file = dir.first_file; file < dir.first_file + dir.file_count; ++file) {
        const auto module = module_name(model_.files[tree_.source[file]].name());
        if (module.empty()) continue;
        importable[index] = true;
        if (is_root && module != "__init__") roots.insert(module);
        if (!is_root && module == "__init__" && init[index] == NamespaceKind::not_package) {
          init[index] = NamespaceKind::regular;
        }
      }
      const auto name = is_root ? std::string_view() : dir_name(dir);
      if (!is_root && importable[index] && is_identifier(name) && name != "__pycache__")
        importable[dir.parent] = true;
    }
    for (const auto& [source, meaning] : model_.inits) {
      const DirFact& dir = tree_.dirs[tree_.files[tree_.place[source]].dir];
      const auto index = static_cast<std::size_t>(&dir - tree_.dirs.data());
      if (!is_lib(dir.scheme) || dir.parent == index) continue;
      if (meaning.kind == InitKind::pkgutil) init[index] = NamespaceKind::pkgutil;
      if (meaning.kind == InitKind::pkg_resources) init[index] = NamespaceKind::pkg_resources;
    }
    for (std::uint32_t index = 0; index < tree_.dirs.size(); ++index) {
      DirFact& dir = tree_.dirs[index];
      if (!is_lib(dir.scheme) || dir.parent == index) continue;
      const DirFact& parent = tree_.dirs[dir.parent];
      const bool parent_is_root = parent.parent == dir.parent;
      const auto name = dir_name(dir);
      const bool reachable = parent_is_root || parent.kind != NamespaceKind::not_package;
      if (!reachable || !importable[index] || !is_identifier(name) || name == "__pycache__") continue;
      dir.kind = init[index] == NamespaceKind::not_package ? NamespaceKind::pep420 : init[index];
      if (parent_is_root) roots.insert(name);
    }
    tree_.import_roots.assign(roots.begin(), roots.end());
  }

  std::string_view dir_name(const DirFact& dir) const noexcept {
    return tree_.dir_names[static_cast<std::size_t>(&dir - tree_.dirs.data())];
  }

  struct Open {
    std::uint32_t dir;
    std::string_view name;
  };
  const FactsModel& model_;
  std::string_view dist_info_;
  TextPool& texts_;
  FactsTree tree_;
  std::vector<Open> open_;
};

// spec: ld.so(8) "Dynamic string tokens"; dyld(1) @loader_path.
std::size_t levels_of_path(std::string_view path) noexcept {
  for (const std::string_view origin : {"$ORIGIN", "${ORIGIN}", "@loader_path"}) {
    if (!path.starts_with(origin)) continue;
    path.remove_prefix(origin.size());
    std::size_t depth = 0, out = 0;
    for (const auto component : split(path, '/')) {
      if (component == "..") {
        if (depth == 0) ++out;
        if (depth > 0) --depth;
      } else if (!component.empty() && component != ".") {
        ++depth;
      }
    }
    return out;
  }
  return 0;
}

}  // namespace

std::size_t levels_out(const ObjectFacts& facts) {
  std::size_t levels = 0;
  const auto look = [&](std::string_view path) { levels = std::max(levels, levels_of_path(path)); };
  for (const auto* list : {&facts.rpath, &facts.runpath}) {
    if (!*list) continue;
    for (const auto entry : split(**list, ':')) look(entry);
  }
  for (const auto* list : {&facts.rpaths, &facts.needed, &facts.weak_needed}) {
    for (const auto& path : *list) look(path);
  }
  return levels;
}

void add_digests(FactsTree& tree, const FactsModel& model) {
  Hasher hasher;
  std::string line;
  const auto put = [&](char kind, std::string_view name, const Sha256& sha256) {
    line = kind;
    line += name;
    line += '\0';
    line.append(reinterpret_cast<const char*>(sha256.bytes.data()), sha256.bytes.size());
    hasher.update(line);
  };
  for (std::uint32_t index = static_cast<std::uint32_t>(tree.dirs.size()); index-- > 0;) {
    DirFact& dir = tree.dirs[index];
    hasher.reset();
    for (std::uint32_t file = dir.first_file; file < dir.first_file + dir.file_count; ++file) {
      const FileFact& fact = tree.files[file];
      put(fact.has(file_flag::executable) ? 'x' : 'f', model.files[tree.source[file]].name(), fact.sha256);
    }
    for (std::uint32_t child = index + 1; child < dir.dir_end; child = tree.dirs[child].dir_end) {
      put('d', tree.dir_names[child], tree.dirs[child].tree_digest);
    }
    dir.tree_digest = hasher.finish_sha256();
  }
}

FactsTree make_tree(const FactsModel& model, std::string_view dist_info, TextPool& texts) {
  return TreeMaker(model, dist_info, texts).run();
}

}  // namespace axle
