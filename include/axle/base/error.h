#pragma once
// The one exception type of axle.

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

namespace axle {

// What kind of thing went wrong. Stable: the exit status is a function of it (docs/cli.md), and it is
// the "code" of an error in JSON.
enum class ErrorCode {
  usage,        // the command line makes no sense (2)
  bad_input,    // malformed lock, wheel, metadata (3)
  integrity,    // a hash, a size, RECORD (4)
  conflict,     // two claims on one path (5)
  no_match,     // nothing fits the target (6)
  io,           // disk, permission, network (7)
  unsupported,  // known and deliberately not done (8)
  interrupted,  // SIGINT or SIGTERM (130)
};

// The stable name of a code, as JSON shows it: "bad_input", "io", ...
std::string_view to_string(ErrorCode code) noexcept;

// Where in the input something is. Lines and columns count from 1; 0 means unknown.
struct Place {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
};

// "file:line:column", as far as known; "" when no file is known.
std::string to_string(const Place& place);

// An error with its place and a hint that says what to do. Values; copying never fails in practice.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message, std::string hint = {});
  Error(ErrorCode code, Place place, std::string message, std::string hint = {});

  ErrorCode code() const noexcept { return code_; }
  const Place& place() const noexcept { return place_; }
  // What is wrong, without the place.
  const std::string& message() const noexcept { return message_; }
  const std::string& hint() const noexcept { return hint_; }
  // "place: message".
  const char* what() const noexcept override { return what_.c_str(); }

  // The same error seen from outside: `outer` goes before the file ("x.whl: RECORD"). An error without
  // a place gets `outer` as its file.
  Error within(std::string_view outer) const;

 private:
  ErrorCode code_;
  Place place_;
  std::string message_;
  std::string hint_;
  std::string what_;
};

}  // namespace axle
