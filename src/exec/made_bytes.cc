#include "exec/made_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "axle/base/error.h"
#include "base/fd.h"
#include "exec/entry_bytes.h"
#include "plan/launcher_scripts.h"
#include "store/unpack.h"

namespace axle {
namespace {

MadeEntry make_script(const Plan& plan, const Entry& entry, const WheelSet& wheels) {
  const auto& script = std::get<Rewritten>(entry.content);
  if (wheels.facts(script.from.wheel).file(script.from.file).size > WheelSet::max_whole) {
    throw Error(ErrorCode::unsupported, Place{entry.path.str()}, "is too large for a Python script");
  }
  WheelSet::Buffer buffer;
  const std::string content(wheels.read(script.from, buffer).plain);
  const ScriptInterpreter interpreter{script.interpreter, plan.policy.relocatable == Relocatable::yes,
                                      plan.layout.os};
  MadeEntry made;
  made.bytes = rewrite_script(content, interpreter).value_or(content);
  made.written = {Sha256::of(made.bytes), made.bytes.size()};
  return made;
}

MadeEntry make_object(const Entry& entry, const WheelSet& wheels, const std::string& directory) {
  const StoreFile from = std::get<Patched>(entry.content).from;
  const TemporaryFile original = TemporaryFile::create(directory);
  WheelSet::Pieces pieces(wheels, from);
  std::uint64_t left = wheels.facts(from.wheel).file(from.file).size;
  for (std::string piece; left > 0; piece.clear()) {
    pieces.read(std::min(left, WheelSet::max_whole), piece, nullptr);
    original.write(piece);
    left -= std::min<std::uint64_t>(left, piece.size());
  }
  MadeEntry made;
  made.file = TemporaryFile::create(directory);
  patch_object(entry, original.fd(), made.file->fd());
  const std::string& path = made.file->path();
  made.written = {hash_file(made.file->fd(), path),
                  static_cast<std::uint64_t>(try_stat(AT_FDCWD, path)->st_size)};
  return made;
}

}  // namespace

MadeBytes make_bytes(const Plan& plan, const WheelSet& wheels, const std::string& directory) {
  MadeBytes made(plan.entries.size());
  for (std::size_t i = 0; i < plan.entries.size(); ++i) {
    const Entry& entry = plan.entries[i];
    if (std::holds_alternative<Rewritten>(entry.content)) made[i] = make_script(plan, entry, wheels);
    if (std::holds_alternative<Patched>(entry.content)) made[i] = make_object(entry, wheels, directory);
  }
  return made;
}

std::vector<std::optional<WrittenFile>> digests_of(const MadeBytes& made) {
  std::vector<std::optional<WrittenFile>> digests(made.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (made[i]) digests[i] = made[i]->written;
  }
  return digests;
}

}  // namespace axle
