#include "exec/edit_objects.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "axle/base/error.h"
#include "axle/object/rpath_edit.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"

namespace axle {
namespace {

struct Candidate {
  std::string path;
  bool named = false;  // given by itself, not met in a directory
};

void list_below(const std::string& dir, std::map<std::string, bool>& found) {
  throw_if_interrupted();
  for (const DirEntry& entry : list_dir(AT_FDCWD, dir)) {
    const std::string path = dir + (dir.ends_with('/') ? "" : "/") + entry.name;
    if (entry.type == DT_DIR) {
      list_below(path, found);
    } else if (entry.type == DT_REG) {
      found.emplace(path, false);
    }
  }
}

std::vector<Candidate> list_candidates(const std::vector<std::string>& paths) {
  std::map<std::string, bool> found;
  for (const std::string& path : paths) {
    const auto status = try_stat(AT_FDCWD, path);
    if (!status) throw Error(ErrorCode::io, Place{path}, "does not exist", "name objects or directories");
    if (S_ISDIR(status->st_mode)) {
      list_below(path, found);
    } else {
      found[path] = true;
    }
  }
  std::vector<Candidate> candidates;
  for (const auto& [path, named] : found) candidates.push_back({path, named});
  return candidates;
}

std::string real_path(const std::string& path) {
  char* real = realpath(path.c_str(), nullptr);
  if (real == nullptr) throw_errno("cannot find", path);
  std::string result(real);
  free(real);
  return result;
}

// A file beside another one that takes its place, or goes.
class Replacement {
 public:
  Replacement(const std::string& path, const struct stat& like) : path_(path) {
    const std::size_t slash = path.rfind('/');
    temporary_ =
        path.substr(0, slash + 1) + "." + path.substr(slash + 1) + ".axle-" + std::to_string(getpid());
    fd_ = Fd(open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd_) throw_errno("cannot create", temporary_);
    // Whose it is can only be kept by who may give files away; what it may do must be.
    if (fchown(fd_.get(), like.st_uid, like.st_gid) != 0 && geteuid() == 0)
      throw_errno("cannot change", temporary_);
    if (fchmod(fd_.get(), like.st_mode & 07777) != 0) throw_errno("cannot change", temporary_);
  }
  ~Replacement() {
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  int fd() const noexcept { return fd_.get(); }
  void publish(EditWrite write) {
    if (write == EditWrite::durable && fsync(fd_.get()) != 0) throw_errno("cannot flush", temporary_);
    rename_at(AT_FDCWD, temporary_, AT_FDCWD, path_);
    temporary_.clear();
  }

 private:
  std::string path_;
  std::string temporary_;
  Fd fd_;
};

bool is_editable_kind(const ObjectFacts& facts) {
  return facts.format != ObjectFacts::Format::pe && facts.kind != ObjectFacts::Kind::static_executable &&
         facts.kind != ObjectFacts::Kind::other;
}

std::vector<std::string> changed_list(const ObjectFacts& facts, const RpathChange& change,
                                      const std::string& path) {
  std::vector<std::string> entries = change.set ? *change.set : rpath_entries(facts);
  entries = add_rpaths(remove_rpaths(std::move(entries), change.remove), change.add);
  if (change.shrink == RpathChange::Shrink::no) return entries;
  ObjectFacts wanted = facts;
  std::string list;
  for (const std::string& entry : entries) (list += list.empty() ? "" : ":") += entry;
  if (facts.format == ObjectFacts::Format::elf) {
    wanted.runpath = list;
  } else {
    wanted.rpaths = entries;
  }
  const std::size_t slash = path.rfind('/');
  const std::string origin =
      slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  return shrink_rpaths(wanted, origin,
                       [](const std::string& file) { return access(file.c_str(), F_OK) == 0; });
}

std::optional<EditedObject> edit_one(const Candidate& candidate, const RpathChange& change,
                                     const EditObjectsOptions& options) {
  const Fd from = open_file(AT_FDCWD, candidate.path);
  struct stat status {};
  if (fstat(from.get(), &status) != 0) throw_errno("cannot read", candidate.path);
  const auto facts = read_object_file(from.get(), candidate.path);
  if (!facts) {
    if (!candidate.named) return std::nullopt;
    throw Error(ErrorCode::bad_input, Place{candidate.path}, "is no native object (ELF, Mach-O, PE)");
  }
  EditedObject object;
  object.path = candidate.path;
  object.facts = *facts;
  object.rpaths = object.result = rpath_entries(*facts);
  object.size_before = object.size_after = static_cast<std::uint64_t>(status.st_size);
  if (change.is_none()) return object;
  if (!candidate.named && !is_editable_kind(*facts)) return std::nullopt;
  const std::string path = real_path(candidate.path);
  if (!options.store.empty() && path.starts_with(options.store + "/")) {
    object.refused = "it lies in the store, whose files are never changed";
    return object;
  }
  const ReadAt read = [&](std::uint64_t offset, char* into, std::size_t size) {
    if (offset > object.size_before || size > object.size_before - offset) return false;
    pread_exactly(from, into, size, offset, candidate.path);
    return true;
  };
  RpathEdit edit;
  edit.entries = changed_list(*facts, change, path);
  if (edit.entries == object.rpaths) return object;
  EditPlan plan;
  try {
    plan = plan_rpath_edit(read, object.size_before, edit);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io) throw;
    if (error.code() == ErrorCode::bad_input) throw error.within(candidate.path);
    object.refused = error.message();
    return object;
  }
  object.result = edit.entries;
  object.changed = !plan.patches.empty();
  object.method = plan.method;
  object.size_after = plan.size;
  if (options.write == EditWrite::nothing || !object.changed) return object;
  Replacement replacement(path, status);
  apply_edit(plan, from.get(), replacement.fd(), candidate.path);
  replacement.publish(options.write);
  return object;
}

}  // namespace

std::vector<EditedObject> edit_objects(const std::vector<std::string>& paths, const RpathChange& change,
                                       const EditObjectsOptions& options) {
  const std::vector<Candidate> candidates = list_candidates(paths);
  std::vector<std::optional<EditedObject>> edited(candidates.size());
  parallel_for(candidates.size(), options.jobs, [&](std::size_t i) {
    throw_if_interrupted();
    edited[i] = edit_one(candidates[i], change, options);
  });
  std::vector<EditedObject> objects;
  for (auto& one : edited) {
    if (one) objects.push_back(std::move(*one));
  }
  return objects;
}

}  // namespace axle
