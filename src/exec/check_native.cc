// The environment's libraries as they lie, described for the link doctor.

#include "exec/check_native.h"

#include <algorithm>
#include <set>

#include "axle/object/link_doctor.h"
#include "base/file.h"
#include "base/text.h"
#include "exec/host_links.h"

namespace axle {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

// Lexically without "." and "..": a link's text as the tree names places. Absolute stays absolute; what
// leaves the root by ".." is named by the root's own place.
std::string resolve_target(const std::string& link, const std::string& target, const std::string& root) {
  const std::string parent = parent_of(link);
  const std::string whole = target.starts_with('/') ? target : root + "/" + parent + "/" + target;
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string text;
  for (const std::string_view part : parts) text += "/" + std::string(part);
  if (text.starts_with(root + "/")) text.erase(0, root.size() + 1);
  return text;
}

// The links on the way to the objects.
std::vector<LinkedPath> find_links_to(const Fd& root, const std::string& place,
                                      const std::vector<FoundObject>& objects) {
  std::vector<LinkedPath> links;
  std::set<std::string> seen;
  for (const FoundObject& object : objects) {
    for (std::string path = object.path; !path.empty() && seen.insert(path).second; path = parent_of(path)) {
      if (const auto target = try_read_link(root.get(), path))
        links.push_back({path, resolve_target(path, *target, place)});
    }
  }
  std::sort(links.begin(), links.end(),
            [](const LinkedPath& a, const LinkedPath& b) { return a.path < b.path; });
  return links;
}

}  // namespace

Diagnostics check_native(const Fd& root, const Layout& layout, const Interpreter& interpreter,
                         const NativeCheck& input) {
  if (input.objects.empty()) return {};
  LinkTree tree;
  tree.root = layout.root;
  for (const FoundObject& object : input.objects) {
    const ObjectFacts& facts = *object.facts;
    const bool is_loaded =
        facts.kind != ObjectFacts::Kind::other && facts.kind != ObjectFacts::Kind::static_executable;
    if (!is_loaded && facts.error.empty()) continue;  // a damaged one is named
    tree.objects.push_back({object.path, input.dists[object.dist].name.normalized, object.facts.get()});
  }
  tree.links = find_links_to(root, layout.root, input.objects);
  tree.requires_edges = input.requires_edges;
  const LinkPolicy policy = host_link_policy(interpreter);
  return render_native(tree, find_links(tree, policy));
}

}  // namespace axle
