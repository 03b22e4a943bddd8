#include "env/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "axle/base/error.h"
#include "base/child.h"
#include "base/fd.h"
#include "base/text.h"
#include "env/host_libc.h"
#include "env/paths.h"

namespace axle {
namespace {

// Prints a facts file. Runs on every Python 3: no f-strings, nothing but the standard library. The platform
// of Linux is only a first word: the ELF header has the rest.
constexpr const char* probe_script = R"python(
import json, os, sys, sysconfig
impl = sys.implementation
var = sysconfig.get_config_var
def version_of(info):
    level = {'alpha': 'a', 'beta': 'b', 'candidate': 'rc'}.get(info[3])
    return '%d.%d.%d' % tuple(info[:3]) + (level + str(info[4]) if level else '')
suffix = var('EXT_SUFFIX') or ''
words = (suffix.split('.') + [''])[1].split('-')
flags = getattr(sys, 'abiflags', '')
if impl.name == 'cpython':
    abi = 'cp%d%d%s' % (sys.version_info[0], sys.version_info[1], flags)
else:
    abi = '_'.join(words[:{'pypy': 2, 'graalpy': 3}.get(impl.name, len(words))])
machine = os.uname()[4] if hasattr(os, 'uname') else ''
if sys.platform == 'darwin':
    import platform
    numbers = [int(n) for n in (platform.mac_ver()[0].split('.') + ['0'])[:2]]
    place = 'macosx_%d_%d_%s' % (numbers[0], numbers[1] if numbers[0] < 11 else 0, machine)
else:
    place = sysconfig.get_platform().replace('-', '_').replace('.', '_')
base = {'base': sys.base_prefix, 'platbase': sys.base_exec_prefix,
        'installed_base': sys.base_prefix, 'installed_platbase': sys.base_exec_prefix}
paths = sysconfig.get_paths(vars=base)
executable = getattr(sys, '_base_executable', None) or sys.executable
sys.stdout.write(json.dumps({
    'schema': 1, 'version': version_of(sys.version_info), 'platform': place, 'executable': executable,
    'base_executable': os.path.realpath(executable), 'implementation': impl.name,
    'implementation_version': version_of(impl.version), 'abi': abi, 'abi_flags': flags,
    'free_threaded': bool(var('Py_GIL_DISABLED')), 'debug': bool(var('Py_DEBUG')),
    'base_prefix': sys.base_prefix, 'stdlib': paths['stdlib'],
    'platlibdir': getattr(sys, 'platlibdir', 'lib'), 'ext_suffix': suffix, 'cache_tag': impl.cache_tag or '',
    'system': {'purelib': paths['purelib'], 'platlib': paths['platlib'], 'scripts': paths['scripts'],
               'data': paths['data'], 'headers': paths['include']},
}))
)python";

constexpr std::size_t max_answer = 1U << 20;

[[noreturn]] void refuse(const std::string& executable, const std::string& what) {
  throw Error(ErrorCode::io, Place{executable}, what, "name a working Python 3 with --python");
}

std::string run_probe(const std::string& executable, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("cannot make a pipe for", executable);
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  Child child = Child::start({executable, "-I", "-S", "-c", probe_script}, nullptr, writing);
  writing = Fd();

  std::string answer;
  std::array<char, 8192> buffer{};
  while (true) {
    if (!wait_for(reading, POLLIN, deadline)) refuse(executable, "did not answer in time");
    const ssize_t got = ::read(reading.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
    if (answer.size() > max_answer) refuse(executable, "printed more than was asked for");
  }
  int status = 0;
  if (!child.wait_until(deadline, status)) refuse(executable, "did not end in time");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) refuse(executable, "is no Python 3 that works");
  return answer;
}

}  // namespace

DescribedInterpreter probe_interpreter(const std::string& executable, std::chrono::milliseconds timeout) {
  const std::string answer = run_probe(executable, timeout);
  DescribedInterpreter described{parse_interpreter_facts(answer, executable), {}};
  Interpreter& found = described.interpreter;
  found.found = "asked by running it";
  if (found.os == Os::linux && is_regular_file(found.base_executable)) {
    if (const std::optional<HostPlatform> host = read_host_platform(found.base_executable)) {
      found.arch = host->arch;
      found.libc = host->libc;
      found.platform = host->tag;
      described.libc_file = host->libc_file;
    }
  }
  // Debian's scheme names the headers of the system; installing belongs below /usr/local like the rest.
  if (found.system.data == "/usr/local" && found.system.headers.starts_with("/usr/include/")) {
    found.system.headers = "/usr/local" + found.system.headers.substr(4);
  }
  return described;
}

}  // namespace axle
