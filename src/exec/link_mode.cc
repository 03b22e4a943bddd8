#include "exec/link_mode.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/file.h"
#include "exec/own_files.h"

namespace axle {
namespace {

// A file of the store's file system to try things with, and a place in the environment to try them at.
constexpr const char* probe_from = "tmp/probe";
constexpr const char* probe_to = own::probe;

// 0, or why not.
int try_link(const Store& store, const Fd& root) {
  const int why = linkat(store.root().get(), probe_from, root.get(), probe_to, 0) == 0 ? 0 : errno;
  unlinkat(root.get(), probe_to, 0);
  return why;
}

int try_clone(const Store& store, const Fd& root) {
  const auto from = try_open_file(store.root().get(), probe_from);
  const Fd to(openat(root.get(), probe_to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const int why = from && to && ioctl(to.get(), FICLONE, from->get()) == 0 ? 0 : errno;
  unlinkat(root.get(), probe_to, 0);
  return why;
}

std::string said(int why) { return std::string(" (") + std::strerror(why) + ")"; }

// The fastest that is safe here. Symbolic links are not: such an environment needs its store for ever.
LinkMode choose_mode(const Store& store, const Fd& root, std::string& reason) {
  const int no_link = try_link(store, root);
  if (no_link == 0) {
    reason = "hard links: the store is on the environment's file system";
    return LinkMode::hardlink;
  }
  const int no_clone = try_clone(store, root);
  if (no_clone == 0) {
    reason = "clones: hard links are not possible" + said(no_link);
    return LinkMode::clone;
  }
  reason = "copies: hard links are not possible" + said(no_link) + ", nor are clones" + said(no_clone);
  return LinkMode::copy;
}

}  // namespace

LinkMode resolve_link_mode(LinkMode wanted, const Store& store, const Fd& root, Diagnostics& notes) {
  if (wanted == LinkMode::copy) return wanted;
  if (!try_lstat(store.root().get(), probe_from)) {
    const Fd probe(openat(store.root().get(), probe_from, O_WRONLY | O_CREAT | O_CLOEXEC, 0444));
  }
  unlinkat(root.get(), probe_to, 0);
  const auto or_copy = [&](int why, const char* what) {
    if (why == 0) return wanted;
    notes.push_back(
        {Severity::warning, "link-mode", "", store.path(),
         std::string(what) + " from the store are not possible here" + said(why) + "; files are copied",
         "put the store on the environment's file system (--store), or use --link-mode copy"});
    return LinkMode::copy;
  };
  std::string reason;
  switch (wanted) {
    case LinkMode::automatic: {
      const LinkMode chosen = choose_mode(store, root, reason);
      notes.push_back({Severity::note, "link-mode", "", store.path(), "files come as " + reason, ""});
      return chosen;
    }
    case LinkMode::symlink:  // its real files
      return choose_mode(store, root, reason);
    case LinkMode::hardlink:
      return or_copy(try_link(store, root), "hard links");
    case LinkMode::clone:
      return or_copy(try_clone(store, root), "clones");
    case LinkMode::copy:
      break;
  }
  return LinkMode::copy;
}

int why_no_symlink(const Fd& root) {
  unlinkat(root.get(), probe_to, 0);
  const int why = symlinkat("probe", root.get(), probe_to) == 0 ? 0 : errno;
  unlinkat(root.get(), probe_to, 0);
  // Anything else is a failure like another, and will be met again where it counts.
  return why == EPERM || why == EOPNOTSUPP || why == ENOSYS ? why : 0;
}

int foresee_no_symlink(const Fd& root, const State& state) {
  if (fpathconf(root.get(), _PC_2_SYMLINKS) == 0) return EPERM;
  const bool copied = std::any_of(state.entries.begin(), state.entries.end(), [](const LaidEntry& entry) {
    return entry.kind == LaidKind::file && entry.path.str() == "bin/python" &&
           entry.owners == std::vector<DistId>{environment_itself};
  });
  return copied ? EPERM : 0;
}

std::optional<LinkMode> foresee_link_mode(LinkMode wanted, const Store& store, const Fd& root,
                                          int no_symlink) {
  switch (wanted) {
    case LinkMode::copy:
      return wanted;
    case LinkMode::symlink:
      return no_symlink != 0 ? LinkMode::copy : wanted;
    case LinkMode::hardlink: {
      const auto one = try_stat(store.root().get(), ".");
      const auto other = try_stat(root.get(), ".");
      const bool apart = no_symlink != 0 || (one && other && one->st_dev != other->st_dev);
      return apart ? LinkMode::copy : wanted;
    }
    case LinkMode::clone:
    case LinkMode::automatic:
      break;
  }
  return std::nullopt;
}

Diagnostic links_became_copies(const Store& store, LinkMode wanted, std::size_t copied, int why) {
  const bool too_many = why == EMLINK;
  const char* cannot = wanted == LinkMode::clone ? "it cannot be cloned" : "it cannot be linked";
  return {Severity::warning,
          "link-mode",
          "",
          store.path(),
          std::to_string(copied) + (copied == 1 ? " file is copied: " : " files are copied: ") +
              (too_many ? "the file system allows no more links to it" : cannot + said(why)),
          too_many ? "" : "make the store belong to whoever uses it, on one file system"};
}

}  // namespace axle
