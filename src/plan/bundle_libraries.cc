#include "plan/bundle_libraries.h"

#include <algorithm>
#include <charconv>
#include <deque>

#include "axle/base/error.h"
#include "axle/object/rpath_edit.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr std::string_view libc_names[] = {
    "libBrokenLocale.so.1", "libanl.so.1",     "libc.so.6",         "libc_malloc_debug.so.0",
    "libdl.so.2",           "libm.so.6",       "libmvec.so.1",      "libnsl.so.1",
    "libnss_compat.so.2",   "libnss_dns.so.2", "libnss_files.so.2", "libnss_hesiod.so.2",
    "libpthread.so.0",      "libresolv.so.2",  "librt.so.1",        "libthread_db.so.1",
    "libutil.so.1",
};
// The C library loads these by name without saying that it needs them: for names of hosts, and to end
// threads.
constexpr std::string_view libc_companions[] = {
    "libc.so.6",    "libm.so.6",      "libdl.so.2",      "libpthread.so.0",   "librt.so.1",
    "libutil.so.1", "libresolv.so.2", "libnss_dns.so.2", "libnss_files.so.2", "libgcc_s.so.1"};

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}
std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// A path in the bundle without "." and ".."; nullopt when it leads out. A bundle has no links to directories.
std::optional<std::string> normalized(const std::string& path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return std::nullopt;
    } else {
      parts.pop_back();
    }
  }
  std::string result;
  for (const std::string_view part : parts) result += (result.empty() ? "" : "/") + std::string(part);
  return result;
}

// From a directory of the bundle to another: "$ORIGIN/../lib/axle".
std::string origin_path(const std::string& from, std::string_view to) {
  const std::vector<std::string_view> a = from.empty() ? std::vector<std::string_view>{} : split(from, '/');
  const std::vector<std::string_view> b = to.empty() ? std::vector<std::string_view>{} : split(to, '/');
  std::size_t same = 0;
  while (same < a.size() && same < b.size() && a[same] == b[same]) ++same;
  std::string path = "$ORIGIN";
  for (std::size_t i = same; i < a.size(); ++i) path += "/..";
  for (std::size_t i = same; i < b.size(); ++i) path += "/" + std::string(b[i]);
  return path;
}

// An entry of an rpath or a need with a '/', as a directory or file of the bundle.
std::optional<std::string> expanded(const std::string& origin, const std::string& entry) {
  for (const std::string_view token : {"$ORIGIN", "${ORIGIN}"}) {
    if (entry.starts_with(token)) return normalized(origin + "/" + entry.substr(token.size()));
  }
  return std::nullopt;
}

class LibraryFinder {
 public:
  LibraryFinder(const BundleLibraryRequest& request, const FindLibrary& find)
      : request_(request), find_(find) {}

  void add(const BundleObject& object) {
    paths_.insert(object.path);
    names_.emplace(name_of(object.path));
    if (!object.facts.soname.empty()) names_.insert(object.facts.soname);
    work_.push_back(object);
  }

  BundleLibraries run() {
    if (request_.take == TakeLibraries::all) take_libc();
    while (!work_.empty()) {
      const BundleObject object = std::move(work_.front());
      work_.pop_front();
      visit(object);
    }
    for (auto& [name, by] : libc_) result_.libc.push_back({name, {by.begin(), by.end()}});
    for (auto& [name, by] : missing_) result_.missing.push_back({name, {by.begin(), by.end()}});
    if (glibc_ != std::pair(0, 0)) {
      result_.glibc = std::to_string(glibc_.first) + "." + std::to_string(glibc_.second);
    }
    std::sort(result_.taken.begin(), result_.taken.end(),
              [](const TakenLibrary& a, const TakenLibrary& b) { return a.path < b.path; });
    return std::move(result_);
  }

 private:
  // The loader and what goes with it, found as the interpreter would find them.
  void take_libc() {
    const std::string name(name_of(request_.loader));
    const ObjectFacts wanted = work_.empty() ? ObjectFacts{} : work_.front().facts;
    const auto loader = find_(name, wanted);
    if (!loader) throw not_here(name, request_.loader);
    result_.taken.push_back({std::string(bundle_libc_dir) + "/" + name, loader->path});
    for (const std::string_view companion : libc_companions) {
      if (const auto found = find_(std::string(companion), wanted)) {
        result_.taken.push_back({std::string(bundle_libc_dir) + "/" + std::string(companion), found->path});
        in_libc_dir_.emplace(companion);
      }
    }
  }

  static Error not_here(const std::string& name, const std::string& by) {
    return Error(ErrorCode::no_match, Place{by},
                 "needs " + name + ", and this machine has none to take along",
                 "install the package that has it, or leave out --with-libs");
  }

  std::vector<std::string> entries_of(const BundleObject& object) const {
    std::vector<std::string> entries = rpath_entries(object.facts);
    if (!object.is_tree) return entries;
    const std::string origin = directory_of(object.path);
    std::vector<std::string> kept;
    for (const std::string& entry : entries) {
      std::string one = entry;
      if (entry == request_.tree_prefix || entry.starts_with(request_.tree_prefix + "/")) {
        const auto inside = normalized(entry.substr(request_.tree_prefix.size()));
        if (!inside) continue;
        one = origin_path(origin, *inside);
      } else if (!expanded(origin, entry)) {
        continue;  // a directory of the machine that the tree was built on
      }
      if (std::find(kept.begin(), kept.end(), one) == kept.end()) kept.push_back(std::move(one));
    }
    return kept;
  }

  void visit(const BundleObject& object) {
    if (object.facts.format != ObjectFacts::Format::elf || !object.facts.error.empty()) return;
    note_versions(object);
    const std::string origin = directory_of(object.path);
    std::vector<std::string> entries = entries_of(object);
    bool needs_taken = false;
    for (const std::string& name : object.facts.needed) {
      if (is_found(origin, entries, name)) continue;
      if (is_libc_library(name)) {
        need_libc(name, object);
      } else if (in_libc_dir_.contains(name)) {
        continue;
      } else if (taken_.contains(name) || !names_.contains(name)) {
        needs_taken = take(name, object) || needs_taken;
      }
    }
    if (needs_taken) {
      const std::string entry = origin_path(origin, bundle_library_dir);
      if (std::find(entries.begin(), entries.end(), entry) == entries.end()) entries.push_back(entry);
    }
    if (entries != rpath_entries(object.facts)) result_.rpaths.emplace(object.path, std::move(entries));
  }

  bool is_found(const std::string& origin, const std::vector<std::string>& entries,
                const std::string& name) const {
    if (name.find('/') != std::string::npos) {
      const auto path = expanded(origin, name);
      return path && paths_.contains(*path);
    }
    return std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) {
      const auto dir = expanded(origin, entry);
      return dir && paths_.contains(*dir + "/" + name);
    });
  }

  void need_libc(const std::string& name, const BundleObject& object) {
    if (request_.take != TakeLibraries::all) {
      libc_[name].insert(object.path);
      return;
    }
    if (in_libc_dir_.contains(name) || name == name_of(request_.loader)) return;
    const auto found = find_(name, object.facts);
    if (!found) throw not_here(name, object.path);
    result_.taken.push_back({std::string(bundle_libc_dir) + "/" + name, found->path});
    in_libc_dir_.insert(name);
  }

  // Whether it is in the bundle's own directory of libraries.
  bool take(const std::string& name, const BundleObject& object) {
    if (taken_.contains(name)) return true;
    const auto found = request_.take == TakeLibraries::none ? std::nullopt : find_(name, object.facts);
    if (!found) {
      // What a device driver or an optional part of a wheel needs is for the report, not a reason to refuse.
      missing_[name].insert(object.path);
      return false;
    }
    taken_.insert(name);
    const std::string path = std::string(bundle_library_dir) + "/" + name;
    result_.taken.push_back({path, found->path});
    add({path, found->facts, true});
    return true;
  }

  void note_versions(const BundleObject& object) {
    if (request_.take == TakeLibraries::all) return;
    constexpr std::string_view mark = ":GLIBC_";
    for (const std::string& need : object.facts.version_needs) {
      const std::size_t at = need.find(mark);
      if (at == std::string::npos) continue;
      const std::string_view version = std::string_view(need).substr(at + mark.size());
      int major = 0;
      int minor = 0;
      const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), major);
      if (error != std::errc() || end == version.data() + version.size() || *end != '.') continue;
      if (std::from_chars(end + 1, version.data() + version.size(), minor).ec != std::errc()) continue;
      glibc_ = std::max(glibc_, std::pair(major, minor));
    }
  }

  const BundleLibraryRequest& request_;
  const FindLibrary& find_;
  std::set<std::string, std::less<>> paths_;
  std::set<std::string, std::less<>> names_;  // that the bundle had before anything was taken along
  std::set<std::string, std::less<>> taken_;
  std::set<std::string, std::less<>> in_libc_dir_;
  std::deque<BundleObject> work_;
  std::map<std::string, std::set<std::string>> libc_;
  std::map<std::string, std::set<std::string>> missing_;
  std::pair<int, int> glibc_;
  BundleLibraries result_;
};

}  // namespace

bool is_libc_library(std::string_view name) noexcept {
  return name.starts_with("ld-linux") || name.starts_with("ld-musl") || name.starts_with("ld64.so") ||
         name.starts_with("libc.musl-") || name == "libc.so" ||
         std::find(std::begin(libc_names), std::end(libc_names), name) != std::end(libc_names);
}

BundleLibraries find_bundle_libraries(const std::vector<BundleObject>& objects,
                                      const BundleLibraryRequest& request, const FindLibrary& find) {
  LibraryFinder finder(request, find);
  for (const BundleObject& object : objects) finder.add(object);
  return finder.run();
}

}  // namespace axle
