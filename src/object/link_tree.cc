#include "object/link_tree.h"

#include "base/text.h"

namespace axle::object {

namespace {

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  return parts;
}

std::string without_end_slashes(std::string text) {
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace

PathWalker::PathWalker(const LinkTree& tree) : root_(without_end_slashes(tree.root)) {
  links_.reserve(tree.links.size());
  for (const LinkedPath& link : tree.links) links_.emplace(link.path, link.target);
}

std::optional<std::string> PathWalker::walk(std::string_view path, std::vector<std::string>* left) const {
  constexpr std::size_t max_links = 40;  // as Linux has it
  // An absolute path into the tree is one of the tree.
  if (!root_.empty() && path.starts_with(root_) &&
      (path.size() == root_.size() || path[root_.size()] == '/')) {
    path.remove_prefix(root_.size());
    while (path.starts_with('/')) path.remove_prefix(1);
  }
  std::string at = path.starts_with('/') ? "/" : "";
  if (links_.empty()) return fold_path(path);
  std::vector<std::string> todo;
  const auto push = [&](std::string_view text) {
    const auto parts = components(text);
    for (std::size_t i = parts.size(); i-- > 0;) todo.emplace_back(parts[i]);
  };
  push(path);
  // The links that were followed. Where one led to is known when all components of its target have been
  // walked.
  struct Followed {
    std::string link;
    std::size_t todo_left;
    std::string target;
  };
  std::vector<Followed> followed;
  while (!todo.empty()) {
    for (Followed& each : followed) {
      if (each.target.empty() && todo.size() <= each.todo_left) each.target = at;
    }
    const std::string part = std::move(todo.back());
    todo.pop_back();
    if (part == "..") {
      if (at.empty()) return std::nullopt;
      for (const Followed& each : followed) {
        if (left != nullptr && each.target == at) left->push_back(each.link);
      }
      const std::size_t slash = at.rfind('/');
      at.resize(slash == std::string::npos ? 0 : (slash == 0 ? 1 : slash));
      continue;
    }
    if (!at.empty() && at.back() != '/') at += '/';
    at += part;
    const auto link = links_.find(at);
    if (link == links_.end()) continue;
    if (followed.size() == max_links) return std::nullopt;
    followed.push_back({link->first, todo.size(), {}});
    at = link->second.starts_with('/') ? "/" : "";
    push(link->second);
  }
  return at;
}

std::optional<std::string> fold_path(std::string_view path) {
  std::string folded = path.starts_with('/') ? "/" : "";
  for (const std::string_view part : components(path)) {
    if (part == "..") {
      if (folded.empty()) return std::nullopt;
      const std::size_t slash = folded.rfind('/');
      folded.resize(slash == std::string::npos ? 0 : (slash == 0 ? 1 : slash));
      continue;
    }
    if (!folded.empty() && folded.back() != '/') folded += '/';
    folded += part;
  }
  return folded;
}

std::string_view parent_path(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return path.substr(0, slash == 0 ? 1 : slash);
}

std::string_view base_name(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string relative_path(std::string_view from, std::string_view to) {
  const auto from_parts = components(from), to_parts = components(to);
  std::size_t common = 0;
  while (common < from_parts.size() && common < to_parts.size() && from_parts[common] == to_parts[common])
    ++common;
  std::string result;
  const auto add = [&](std::string_view part) {
    if (!result.empty()) result += '/';
    result += part;
  };
  for (std::size_t i = common; i < from_parts.size(); ++i) add("..");
  for (std::size_t i = common; i < to_parts.size(); ++i) add(to_parts[i]);
  return result.empty() ? "." : result;
}

}  // namespace axle::object
