// ObjectFacts in the facts file: its fields in order; numbers of one or four bytes, texts and lists with
// their length before them.

#include <cstring>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "wheel/facts_format.h"

namespace axle {
namespace {

using Lists = std::vector<std::string>;

class Writer {
 public:
  void byte(unsigned value) { out_ += static_cast<char>(value); }
  void number(std::size_t value) {
    const auto narrow = static_cast<std::uint32_t>(value);
    char bytes[4];
    std::memcpy(bytes, &narrow, 4);
    out_.append(bytes, 4);
  }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }
  void texts(const Lists& values) {
    number(values.size());
    for (const auto& value : values) text(value);
  }
  void maybe(const std::optional<std::string>& value) {
    byte(value ? 1 : 0);
    if (value) text(*value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  unsigned byte() { return static_cast<unsigned char>(take(1).front()); }
  std::uint32_t number() {
    std::uint32_t value = 0;
    std::memcpy(&value, take(4).data(), 4);
    return value;
  }
  std::string text() { return std::string(take(number())); }
  Lists texts() {
    Lists values;
    // Every text takes four bytes at least, so damage cannot make this long.
    for (std::uint32_t count = number(); count > 0; --count) values.push_back(text());
    return values;
  }
  std::optional<std::string> maybe() {
    if (byte() == 0) return std::nullopt;
    return text();
  }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) throw Error(ErrorCode::bad_input, "the facts of a native object are damaged");
    const auto piece = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return piece;
  }
  std::string_view rest_;
};

}  // namespace

std::string encode_object(const ObjectFacts& facts) {
  Writer out;
  out.byte(static_cast<unsigned>(facts.format));
  out.byte(static_cast<unsigned>(facts.kind));
  out.byte(facts.big_endian ? 1 : 0);
  out.byte(facts.no_default_libs ? 1 : 0);
  out.number(static_cast<std::size_t>(facts.bits));
  out.text(facts.machine);
  out.text(facts.soname);
  out.text(facts.interpreter);
  out.text(facts.minimum_os);
  out.text(facts.error);
  out.maybe(facts.rpath);
  out.maybe(facts.runpath);
  for (const auto* list : {&facts.needed, &facts.weak_needed, &facts.delay_needed, &facts.rpaths,
                           &facts.version_needs, &facts.slices}) {
    out.texts(*list);
  }
  return out.take();
}

ObjectFacts decode_object(std::string_view bytes) {
  Reader in(bytes);
  ObjectFacts facts;
  const unsigned format = in.byte();
  const unsigned kind = in.byte();
  if (format > 2 || kind > 3) throw Error(ErrorCode::bad_input, "the facts of a native object are damaged");
  facts.format = static_cast<ObjectFacts::Format>(format);
  facts.kind = static_cast<ObjectFacts::Kind>(kind);
  facts.big_endian = in.byte() != 0;
  facts.no_default_libs = in.byte() != 0;
  facts.bits = static_cast<int>(in.number() & 0xff);
  facts.machine = in.text();
  facts.soname = in.text();
  facts.interpreter = in.text();
  facts.minimum_os = in.text();
  facts.error = in.text();
  facts.rpath = in.maybe();
  facts.runpath = in.maybe();
  for (auto* list : {&facts.needed, &facts.weak_needed, &facts.delay_needed, &facts.rpaths,
                     &facts.version_needs, &facts.slices}) {
    *list = in.texts();
  }
  return facts;
}

}  // namespace axle
