#include "exec/marshal.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace axle {
namespace {

// spec: CPython Python/marshal.c.
constexpr unsigned flag_ref = 0x80;
constexpr int max_depth = 1000;  // CPython's own limit is 2000
// What takes no more room than a reference is written out each time.
constexpr std::size_t reference_size = 5;

using NodeId = std::uint32_t;

// A value: its type, its own bytes, and the values in it.
struct Node {
  char type = 0;          // a type code of marshal; strings have 'u' (any text) or 'a' (ASCII)
  bool interned = false;  // of a string
  std::string payload;    // what is written beside the values in it; of a code object its numbers
  std::vector<NodeId> children;
  std::uint32_t uses = 0;
  std::uint32_t reference = 0;
  bool written = false;
};

// What a code object consists of: 'l' is a number of four bytes, 'o' an object.
std::string_view code_layout(PythonMinor version) {
  if (version.major != 3 || version.minor < 7) return {};
  if (version.minor < 8)
    return "lllll"
           "oooooooo"
           "lo";
  if (version.minor < 11)
    return "llllll"
           "oooooooo"
           "lo";
  return "lllll"
         "oooooooo"
         "loo";
}

bool is_string(char type) { return type == 'u' || type == 'a'; }

class Reader {
 public:
  Reader(std::string_view bytes, std::string_view layout, std::vector<Node>& nodes)
      : bytes_(bytes), layout_(layout), nodes_(nodes) {}

  std::optional<NodeId> run() {
    const NodeId root = read(0);
    if (failed_ || at_ != bytes_.size()) return std::nullopt;
    return root;
  }

 private:
  static constexpr NodeId unfinished = 0xffffffff;

  NodeId fail() {
    failed_ = true;
    at_ = bytes_.size();
    return 0;
  }

  std::string_view take(std::size_t size) {
    if (size > bytes_.size() - at_) {
      fail();
      return {};
    }
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }

  std::uint32_t number() {
    const std::string_view four = take(4);
    std::uint32_t value = 0;
    for (std::size_t i = four.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(four[i]);
    return value;
  }

  std::size_t small_number() {
    const std::string_view one = take(1);
    return one.empty() ? 0 : static_cast<unsigned char>(one.front());
  }

  // The one node of this value.
  NodeId unite(Node node) {
    std::string key(1, node.type);
    key += node.payload;
    for (const NodeId child : node.children) {
      for (unsigned shift = 0; shift < 32; shift += 8) key += static_cast<char>(child >> shift & 0xff);
    }
    const auto [known, is_new] = known_.emplace(std::move(key), static_cast<NodeId>(nodes_.size()));
    if (is_new) {
      nodes_.push_back(std::move(node));
    } else if (node.interned) {
      nodes_[known->second].interned = true;
    }
    return known->second;
  }

  NodeId text(std::string_view bytes, char type, bool interned) {
    Node node;
    const bool ascii = std::all_of(bytes.begin(), bytes.end(), [](char c) { return (c & 0x80) == 0; });
    node.type = type == 'u' && ascii ? 'a' : type;
    node.interned = interned || bytes.size() <= 1;
    node.payload = std::string(bytes);
    return unite(std::move(node));
  }

  NodeId atom(char type, std::string_view payload) {
    Node node;
    node.type = type;
    node.payload = std::string(payload);
    return unite(std::move(node));
  }

  NodeId sequence(char type, std::size_t count, int depth) {
    Node node;
    node.type = type;
    // Every element takes a byte at least.
    if (count > bytes_.size() - at_) return fail();
    for (std::size_t i = 0; i < count && !failed_; ++i) node.children.push_back(read(depth + 1));
    if (failed_) return 0;
    if (type == '>') {
      std::sort(node.children.begin(), node.children.end(),
                [&](NodeId a, NodeId b) { return compare(a, b) < 0; });
    }
    return unite(std::move(node));
  }

  NodeId code(int depth) {
    if (layout_.empty()) return fail();
    Node node;
    node.type = 'c';
    for (const char part : layout_) {
      if (failed_) return 0;
      if (part == 'l') {
        node.payload += take(4);
      } else {
        node.children.push_back(read(depth + 1));
      }
    }
    return failed_ ? 0 : unite(std::move(node));
  }

  NodeId read(int depth) {
    const std::string_view first = take(1);
    if (first.empty() || depth > max_depth) return fail();
    const auto byte = static_cast<unsigned char>(first.front());
    const char type = static_cast<char>(byte & ~flag_ref);
    std::size_t slot = 0;
    const bool announced = (byte & flag_ref) != 0;
    if (announced) {
      slot = references_.size();
      references_.push_back(unfinished);
    }
    const NodeId node = read_value(type, depth);
    if (announced && !failed_) references_[slot] = node;
    return node;
  }

  NodeId read_value(char type, int depth) {
    switch (type) {
      case '0':  // NULL
      case 'N':
      case 'F':
      case 'T':
      case 'S':
      case '.':
        return atom(type, {});
      case 'i':
        return atom(type, take(4));
      case 'I':
      case 'g':
        return atom(type, take(8));
      case 'y':
        return atom(type, take(16));
      case 'l': {
        const std::string_view count = bytes_.substr(at_, std::min<std::size_t>(4, bytes_.size() - at_));
        const auto digits = static_cast<std::int32_t>(number());
        const std::uint64_t size =
            static_cast<std::uint64_t>(digits < 0 ? -std::int64_t{digits} : digits) * 2;
        if (size > bytes_.size() - at_) return fail();
        return atom(type, std::string(count) + std::string(take(size)));
      }
      case 's': {
        const std::uint32_t size = number();
        return atom(type, take(size));
      }
      case 'u':
      case 't': {
        const std::uint32_t size = number();
        return text(take(size), 'u', type == 't');
      }
      case 'a':
      case 'A': {
        const std::uint32_t size = number();
        return text(take(size), 'a', type == 'A');
      }
      case 'z':
      case 'Z': {
        const std::size_t size = small_number();
        return text(take(size), 'a', type == 'Z');
      }
      case ')':
        return sequence('(', small_number(), depth);
      case '(':
      case '>':
        return sequence(type, number(), depth);
      case ':':  // slice, from 3.14 on
        return sequence(type, 3, depth);
      case 'c':
        return code(depth);
      case 'r': {
        const std::uint32_t index = number();
        if (index >= references_.size() || references_[index] == unfinished) return fail();
        return references_[index];
      }
      default:
        return fail();
    }
  }

  // By what they are, not by when they came: the order of a set's elements.
  int compare(NodeId a, NodeId b) const {
    if (a == b) return 0;
    const Node& x = nodes_[a];
    const Node& y = nodes_[b];
    if (x.type != y.type) return x.type < y.type ? -1 : 1;
    if (const int order = x.payload.compare(y.payload); order != 0) return order;
    for (std::size_t i = 0; i < x.children.size() && i < y.children.size(); ++i) {
      if (const int order = compare(x.children[i], y.children[i]); order != 0) return order;
    }
    return x.children.size() < y.children.size() ? -1 : 1;
  }

  std::string_view bytes_;
  std::string_view layout_;
  std::vector<Node>& nodes_;
  std::size_t at_ = 0;
  bool failed_ = false;
  std::vector<NodeId> references_;
  std::unordered_map<std::string, NodeId> known_;
};

class Writer {
 public:
  Writer(std::vector<Node>& nodes, std::string_view layout) : nodes_(nodes), layout_(layout) {}

  std::string run(NodeId root) {
    count(root);
    write(root);
    return std::move(out_);
  }

 private:
  void count(NodeId id) {
    if (nodes_[id].uses++ != 0) return;
    for (const NodeId child : nodes_[id].children) count(child);
  }

  void number(std::uint64_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) out_ += static_cast<char>(value >> shift & 0xff);
  }

  bool is_worth_a_reference(const Node& node) const {
    if (node.uses < 2) return false;
    return !node.children.empty() || node.payload.size() + 2 > reference_size;
  }

  void type(const Node& node, char code) {
    out_ +=
        static_cast<char>(static_cast<unsigned char>(code) | (is_worth_a_reference(node) ? flag_ref : 0U));
  }

  void write(NodeId id) {
    Node& node = nodes_[id];
    if (is_worth_a_reference(node)) {
      if (node.written) {
        out_ += 'r';
        return number(node.reference);
      }
      node.written = true;
      node.reference = references_++;
    }
    const std::size_t size =
        is_string(node.type) || node.type == 's' ? node.payload.size() : node.children.size();
    switch (node.type) {
      case 'a':
        if (size < 256) {
          type(node, node.interned ? 'Z' : 'z');
          out_ += static_cast<char>(size);
        } else {
          type(node, node.interned ? 'A' : 'a');
          number(size);
        }
        break;
      case 'u':
        type(node, node.interned ? 't' : 'u');
        number(size);
        break;
      case '(':
        if (size < 256) {
          type(node, ')');
          out_ += static_cast<char>(size);
        } else {
          type(node, '(');
          number(size);
        }
        break;
      case 's':
      case '>':
        type(node, node.type);
        number(size);
        break;
      case 'c':
        type(node, 'c');
        write_code(node);
        return;
      default:
        type(node, node.type);
    }
    out_ += node.payload;
    for (const NodeId child : node.children) write(child);
  }

  void write_code(const Node& node) {
    std::size_t numbers = 0;
    std::size_t objects = 0;
    for (const char part : layout_) {
      if (part == 'l') {
        out_.append(node.payload, numbers, 4);
        numbers += 4;
      } else {
        write(node.children[objects++]);
      }
    }
  }

  std::vector<Node>& nodes_;
  std::string_view layout_;
  std::string out_;
  std::uint32_t references_ = 0;
};

}  // namespace

std::optional<std::string> normalize_marshal(std::string_view bytes, PythonMinor version) {
  const std::string_view layout = code_layout(version);
  if (layout.empty() || bytes.size() > 0x7fffffff) return std::nullopt;
  std::vector<Node> nodes;
  const auto root = Reader(bytes, layout, nodes).run();
  if (!root) return std::nullopt;
  return Writer(nodes, layout).run(*root);
}

}  // namespace axle
