#pragma once
// One process of an interpreter that turns sources into byte-code files.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "axle/env/interpreter.h"
#include "base/child.h"
#include "base/fd.h"

namespace axle {

// What a source came to: a whole .pyc, or why it has none.
struct Compiled {
  std::string pyc;
  std::string fault;
};

// Nothing of what is compiled is run or imported: the process is isolated (-I), without site (-S), and only
// calls compile(). The .pyc is hash-based and unchecked (PEP 552), its code in one form (exec/marshal.h). Not
// thread-safe: one thread uses one of them.
class PythonCompiler {
 public:
  // Starts the interpreter. Throws Error(io) when it does not start, or is not the one described.
  explicit PythonCompiler(const Interpreter& interpreter);

  // The number that begins its byte-code files, four bytes.
  const std::string& magic() const noexcept { return magic_; }
  // `name` stands in the code as its file's; import replaces it. Throws Error(interrupted), Error(io).
  Compiled compile(std::string_view name, std::string_view source);
  // False once a source has brought the process down or made it hang: start another.
  bool is_alive() const noexcept { return alive_; }

 private:
  bool send(std::string_view bytes);
  std::optional<std::string> receive();

  std::string executable_;
  PythonMinor version_;
  Fd socket_;
  Child child_;
  std::string magic_;
  bool alive_ = true;
};

}  // namespace axle
