#pragma once
// The declared outputs of one action. All of them are made beside their places first; then each takes its
// place by one rename. So an action that fails, or is killed before the end, leaves the outputs of the last
// one, and nothing else. What is there already and is the same stays untouched, with its time: build systems
// see that nothing changed.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/temporary_file.h"

namespace axle {

class Outputs {
 public:
  Outputs() = default;
  ~Outputs();  // removes what did not take its place
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  // An empty directory that will be `path`. At most one, and no room beside.
  const Fd& tree(const std::string& path);
  // Where that directory is until then.
  std::string staged_tree() const { return stage_ + "/tree"; }
  // A directory that is gone in the end, on the file system of the tree.
  const Fd& scratch();
  // The same by its path, also in a room beside.
  std::string staged_scratch();
  // An empty directory beside `path` that is gone in the end: where a file that adopt() takes is made.
  std::string room_beside(const std::string& path);
  enum class Mode { data, program };
  void file(const std::string& path, std::string_view bytes, Mode mode = Mode::data);
  // A file that is made already, on the file system of `path`.
  void adopt(const std::string& path, TemporaryFile file);

  void commit();

 private:
  struct File {
    std::string path;
    std::string staged;
    Fd lock;  // it is the staged file, open
  };
  void commit_tree();

  std::string tree_path_;
  std::string stage_;  // holds "tree" and "scratch", or is the room; "" when there is none
  Fd stage_lock_;      // on it: two actions of one output would take each other's files away
  Fd tree_;
  Fd scratch_;
  std::vector<File> files_;
  std::vector<std::pair<std::string, TemporaryFile>> adopted_;
};

}  // namespace axle
