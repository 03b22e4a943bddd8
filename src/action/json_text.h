#pragma once
// JSON written in the order of the calls, without a tree in memory: a list of a wheel's thousands of files is
// one pass. Text that is not UTF-8 comes with U+FFFD in its place.

#include <cstdint>
#include <string>
#include <string_view>

namespace axle {

class JsonText {
 public:
  JsonText& begin_object() { return open('{'); }
  JsonText& end_object() { return close('}'); }
  JsonText& begin_array() { return open('['); }
  JsonText& end_array() { return close(']'); }
  JsonText& key(std::string_view name);  // of characters that stand for themselves
  JsonText& text(std::string_view value);
  JsonText& number(std::uint64_t value);
  JsonText& signed_number(std::int64_t value);
  JsonText& boolean(bool value);
  JsonText& null();
  void reserve(std::size_t size) { out_.reserve(size); }
  // A line end before the next value.
  JsonText& line() {
    wants_line_ = true;
    return *this;
  }

  // The whole, with a line end.
  std::string finish() { return std::move(out_) + "\n"; }

 private:
  JsonText& open(char bracket);
  JsonText& close(char bracket);
  void separate();
  void put_string(std::string_view value);
  // The first character, which cannot stand for itself; returns how many bytes it has.
  std::size_t put_escaped(std::string_view value);

  std::string out_;
  bool wants_comma_ = false;
  bool wants_line_ = false;
};

}  // namespace axle
