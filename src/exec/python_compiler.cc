#include "exec/python_compiler.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "axle/base/error.h"
#include "exec/marshal.h"

namespace axle {
namespace {

// Both directions: four bytes of length, little-endian, then so many bytes. A request is a name and a source;
// an answer is '+' and a .pyc, or '-' and what is wrong. Runs on every Python that axle installs for.
constexpr const char* worker_script = R"python(
import marshal, sys
import _imp
from _frozen_importlib_external import MAGIC_NUMBER
take, give = sys.stdin.buffer, sys.stdout.buffer
raw_magic = int.from_bytes(MAGIC_NUMBER, 'little')
def answer(text):
    give.write(len(text).to_bytes(4, 'little') + text)
    give.flush()
def ask():
    head = take.read(4)
    return take.read(int.from_bytes(head, 'little')) if len(head) == 4 else None
answer(MAGIC_NUMBER + (sys.implementation.cache_tag or '').encode())
while True:
    name = ask()
    if name is None:
        break
    source = ask()
    try:
        code = compile(source, name.decode('utf-8', 'surrogateescape'), 'exec', 0, True, 0)
        header = MAGIC_NUMBER + b'\1\0\0\0' + _imp.source_hash(raw_magic, source)
        answer(b'+' + header + marshal.dumps(code))
    except BaseException as error:
        line = getattr(error, 'lineno', None)
        where = ' (line %d)' % line if isinstance(line, int) else ''
        text = '%s: %s%s' % (type(error).__name__, getattr(error, 'msg', None) or error, where)
        answer(b'-' + text.encode('utf-8', 'replace')[:500])
)python";

constexpr std::size_t header_size = 16;
constexpr std::size_t max_answer = std::size_t{256} << 20;
constexpr std::chrono::seconds patience{60};

struct Ends {
  Fd ours;
  Fd theirs;
};

Ends make_ends(const std::string& executable) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_errno("cannot make a connection to", executable);
  Ends both{Fd(ends[0]), Fd(ends[1])};
  ::fcntl(both.ours.get(), F_SETFL, O_NONBLOCK);
  return both;
}

std::string length_of(std::size_t size) {
  std::string four;
  for (unsigned shift = 0; shift < 32; shift += 8) four += static_cast<char>(size >> shift & 0xff);
  return four;
}

bool read_exactly(const Fd& socket, char* into, std::size_t size,
                  std::chrono::steady_clock::time_point deadline) {
  while (size > 0) {
    const ssize_t got = ::recv(socket.get(), into, size, 0);
    if (got > 0) {
      into += got;
      size -= static_cast<std::size_t>(got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR) || !wait_for(socket, POLLIN, deadline)) {
      return false;
    }
  }
  return true;
}

}  // namespace

PythonCompiler::PythonCompiler(const Interpreter& interpreter)
    : executable_(interpreter.base_executable.empty() ? interpreter.executable : interpreter.base_executable),
      version_(interpreter.implementation == "cpython" ? python_minor(interpreter.version) : PythonMinor{}) {
  Ends ends = make_ends(executable_);
  child_ = Child::start({executable_, "-I", "-S", "-B", "-W", "ignore", "-c", worker_script}, &ends.theirs,
                        ends.theirs);
  socket_ = std::move(ends.ours);
  ends.theirs = Fd();
  const auto hello = receive();
  if (!hello || hello->size() < 4 || hello->substr(4) != interpreter.cache_tag) {
    throw Error(ErrorCode::io, Place{executable_},
                "cannot compile: it does not answer as the " + interpreter.cache_tag + " that it should be",
                "name a working Python 3 with --python, or leave out --compile");
  }
  magic_ = hello->substr(0, 4);
}

bool PythonCompiler::send(std::string_view bytes) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!bytes.empty()) {
    const ssize_t done = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(done));
    } else if ((errno != EAGAIN && errno != EINTR) || !wait_for(socket_, POLLOUT, deadline)) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> PythonCompiler::receive() {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::array<char, 4> head{};
  if (!read_exactly(socket_, head.data(), head.size(), deadline)) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = head.size(); i-- > 0;) size = size << 8 | static_cast<unsigned char>(head[i]);
  if (size > max_answer) return std::nullopt;
  std::string answer(size, '\0');
  if (!read_exactly(socket_, answer.data(), size, deadline)) return std::nullopt;
  return answer;
}

Compiled PythonCompiler::compile(std::string_view name, std::string_view source) {
  std::optional<std::string> answer;
  if (send(length_of(name.size())) && send(name) && send(length_of(source.size())) && send(source))
    answer = receive();
  if (!answer || answer->empty()) {
    alive_ = false;
    return {{}, "brings the interpreter down, or keeps it busy for too long"};
  }
  if (answer->front() != '+' || answer->size() < 1 + header_size) return {{}, answer->substr(1)};
  const std::string_view code = std::string_view(*answer).substr(1 + header_size);
  Compiled result{answer->substr(1, header_size), {}};
  const auto normal = normalize_marshal(code, version_);
  result.pyc += normal ? std::string_view(*normal) : code;
  return result;
}

}  // namespace axle
