#include "exec/check_scripts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "plan/native_launcher.h"

namespace axle {
namespace {

class ScriptCheck {
 public:
  ScriptCheck(const Fd& root, const Layout& layout, const Interpreter& interpreter,
              const std::vector<RecordedDist>& dists, const Recorded& recorded, const CheckOptions& options)
      : root_(root),
        layout_(layout),
        dists_(dists),
        recorded_(recorded),
        // A tree for another machine, or one that is to be moved: what is outside of it cannot be looked at
        // here.
        outside_is_here_(options.destdir.empty() && !interpreter.foreign) {}

  ScriptsReport run() {
    if (!layout_.scripts || layout_.os == Os::windows) return {};
    const auto dir = try_open_dir(root_.get(), layout_.scripts->str());
    if (layout_.kind == LayoutKind::venv && outside_is_here_) check_own_interpreter();
    if (!dir) return std::move(report_);
    for (const DirEntry& entry : list_dir(dir->get(), ".")) check_script(*dir, entry);
    return std::move(report_);
  }

 private:
  void gone(std::string distribution, std::string path, std::string message, std::string hint) {
    report_.problems.push_back({Severity::error, "script-interpreter-gone", std::move(distribution),
                                std::move(path), std::move(message), std::move(hint)});
  }

  void check_own_interpreter() {
    const std::string path = layout_.scripts->str() + "/python";
    if (try_stat(root_.get(), path)) return;
    const auto target = try_read_link(root_.get(), path);
    gone("", path,
         target ? "the environment's interpreter leads to " + quoted(*target) + ", which is not there"
                : "the environment has no interpreter",
         "make the environment anew: axle venv --clear");
  }

  void check_script(const Fd& dir, const DirEntry& entry) {
    const std::string path = layout_.scripts->str() + "/" + entry.name;
    const auto owner = recorded_.find(path);
    if (layout_.kind != LayoutKind::venv && owner == recorded_.end()) return;
    const auto status = try_stat(dir.get(), entry.name);
    if (!status || !S_ISREG(status->st_mode)) return;
    std::string head;
    try {
      constexpr std::uint64_t enough = 8192;
      head.resize(std::min<std::uint64_t>(enough, static_cast<std::uint64_t>(status->st_size)));
      pread_exactly(open_file(dir.get(), entry.name), head.data(), head.size(), 0, path);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::io) throw;
      return;  // a recorded file that cannot be read is a finding already
    }
    if (head.starts_with("\x7f"
                         "ELF")) {
      check_native_launcher(dir, entry.name, path, head, owner);
      return;
    }
    if (!head.starts_with("#!")) return;
    ++report_.scripts;
    const auto interpreter = find_script_interpreter(head);
    if (!interpreter || exists(*interpreter)) return;
    gone(owner == recorded_.end() ? "" : dists_[owner->second].name.normalized, path,
         "its interpreter " + quoted(*interpreter) + " is not there", "install the distribution again");
  }

  void check_native_launcher(const Fd& dir, const std::string& name, const std::string& path,
                             const std::string& head, Recorded::const_iterator owner) {
    const std::size_t size = native_launcher_size(head);
    if (size == 0) return;
    std::string bytes(size, '\0');
    try {
      pread_exactly(open_file(dir.get(), name), bytes.data(), size, 0, path);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::io) throw;
      return;  // shorter than its header says: no launcher of ours
    }
    const auto config = parse_native_launcher(bytes);
    if (!config) return;
    ++report_.scripts;
    const std::string beside = absolute_path(layout_, layout_.scripts) + "/";
    for (const std::string& interpreter : config->interpreters) {
      if (exists(interpreter.starts_with('/') ? interpreter : beside + interpreter)) return;
    }
    gone(owner == recorded_.end() ? "" : dists_[owner->second].name.normalized, path,
         "its interpreter " + quoted(config->interpreters.front()) + " is not there",
         "install the distribution again");
  }

  bool exists(const std::string& program) const {
    const std::string inside = layout_.root + "/";
    if (program.starts_with(inside)) {
      const std::string below = program.substr(inside.size());
      return outside_is_here_ ? try_stat(root_.get(), below).has_value()
                              : try_lstat(root_.get(), below).has_value();
    }
    return !outside_is_here_ || try_stat(AT_FDCWD, program);
  }

  const Fd& root_;
  const Layout& layout_;
  const std::vector<RecordedDist>& dists_;
  const Recorded& recorded_;
  bool outside_is_here_;
  ScriptsReport report_;
};

}  // namespace

ScriptsReport check_scripts(const Fd& root, const Layout& layout, const Interpreter& interpreter,
                            const std::vector<RecordedDist>& dists, const Recorded& recorded,
                            const CheckOptions& options) {
  return ScriptCheck(root, layout, interpreter, dists, recorded, options).run();
}

}  // namespace axle
