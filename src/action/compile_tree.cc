#include "action/compile_tree.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <vector>

#include "axle/base/error.h"
#include "axle/wheel/facts_builder.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "exec/python_compiler.h"

namespace axle {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::uint64_t max_source = 64U << 20;
// An interpreter takes longer to start than a few modules to compile.
constexpr std::size_t worth_a_process = 16;

struct Source {
  std::uint32_t file;
  Scheme scheme;
  std::string path;      // below the scheme's root
  std::string pyc_path;  // likewise
  FileInput pyc;
  std::string fault;  // why it has none
};

std::string staged(Scheme scheme, const std::string& below) {
  return std::string(tree_prefix(scheme)) + "/" + below;
}

// "pkg/__pycache__/mod." of "pkg/mod.py".
std::string cached_stem(const std::string& path) {
  const std::size_t name = path.rfind('/') + 1;
  return path.substr(0, name) + "__pycache__/" + path.substr(name, path.size() - name - 2);
}

class TreeCompiler {
 public:
  TreeCompiler(const Fd& scratch, const std::string& tree, const WheelFacts& facts, const CompileJob& job)
      : scratch_(scratch), tree_(tree), facts_(facts), job_(job) {
    for (std::uint32_t i = 0; i < facts.files().size(); ++i) {
      const FileFact& file = facts.file(i);
      const Scheme scheme = facts.scheme_of(file);
      if (!is_lib(scheme) || !file.has(file_flag::python) || file.has(file_flag::dist_info)) continue;
      const std::string path = facts.path_of(i);
      sources_.push_back({i, scheme, path, cached_stem(path) + job.interpreter.cache_tag + ".pyc", {}, {}});
    }
  }

  WheelFacts run(Diagnostics& notes) {
    if (sources_.empty()) return facts_;
    drop_old();
    std::set<std::string> dirs;
    for (const Source& source : sources_)
      dirs.insert(below_tree(source.scheme, source.pyc_path.substr(0, source.pyc_path.rfind('/'))));
    for (const std::string& dir : dirs) make_dir(scratch_.get(), dir);
    const std::size_t most = 1 + sources_.size() / worth_a_process;
    const auto processes = static_cast<unsigned>(std::min<std::size_t>(std::max(job_.jobs, 1U), most));
    parallel_for(processes, processes, [&](std::size_t) {
      try {
        compile_some();
      } catch (...) {
        next_ = sources_.size();  // nobody begins another one
        throw;
      }
    });
    for (const std::string& dir : dirs) remove_dir_if_empty(scratch_.get(), dir);

    FactsBuilder builder = FactsBuilder::without(facts_, dropped_);
    for (const Source& source : sources_) {
      if (source.fault.empty()) {
        builder.file(source.scheme, source.pyc_path, source.pyc);
        continue;
      }
      notes.push_back({Severity::note, "not-compiled", std::string(facts_.normalized()), source.path,
                       "has no byte-code: " + source.fault, ""});
    }
    return builder.build();
  }

 private:
  std::string below_tree(Scheme scheme, const std::string& below) const {
    return tree_ + "/" + staged(scheme, below);
  }

  // What the wheel brings was made by another interpreter, or by who knows what.
  void drop_old() {
    for (const Source& source : sources_) {
      const std::string stem = cached_stem(source.path);
      const auto cache = facts_.find_dir(source.scheme, stem.substr(0, stem.rfind('/')));
      if (!cache) continue;
      const std::string name = stem.substr(stem.rfind('/') + 1);
      for (const FileFact& file : facts_.files_in(facts_.dir(*cache))) {
        if (!file.has(file_flag::pyc) || !facts_.name(file).starts_with(name)) continue;
        const std::uint32_t index = facts_.index_of(file);
        dropped_.push_back(index);
        unlink_at(scratch_.get(), below_tree(source.scheme, facts_.path_of(index)));
      }
    }
    std::sort(dropped_.begin(), dropped_.end());
    dropped_.erase(std::unique(dropped_.begin(), dropped_.end()), dropped_.end());
  }

  void compile_some() {
    std::optional<PythonCompiler> compiler;
    for (std::size_t i = next_++; i < sources_.size(); i = next_++) {
      throw_if_interrupted();
      // One that a source brought down is not asked again.
      if (!compiler || !compiler->is_alive()) compiler.emplace(job_.interpreter);
      compile(sources_[i], *compiler);
    }
  }

  void compile(Source& source, PythonCompiler& compiler) const {
    const FileFact& file = facts_.file(source.file);
    if (file.size > max_source) {
      source.fault = "is larger than " + std::to_string(max_source >> 20) + " MiB";
      return;
    }
    const MappedFile content = MappedFile::open(scratch_.get(), below_tree(source.scheme, source.path));
    Compiled compiled = compiler.compile(source.path, content.bytes());
    source.fault = std::move(compiled.fault);
    if (!source.fault.empty()) return;
    constexpr std::size_t flags = 4;  // behind the magic number
    constexpr char check_source = 2;
    if (job_.check == PycCheck::checked)
      compiled.pyc[flags] = static_cast<char>(compiled.pyc[flags] | check_source);
    create_file(scratch_.get(), below_tree(source.scheme, source.pyc_path), compiled.pyc,
                {0644, job_.mtime_ns.value_or(file.mtime * second_ns)});
    source.pyc = {compiled.pyc.size(), Sha256::of(compiled.pyc), 0, file.mtime};
  }

  const Fd& scratch_;
  const std::string& tree_;
  const WheelFacts& facts_;
  const CompileJob& job_;
  std::vector<Source> sources_;
  std::vector<std::uint32_t> dropped_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace

WheelFacts compile_tree(const Fd& scratch, const std::string& tree, const WheelFacts& facts,
                        const CompileJob& job, Diagnostics& notes) {
  return TreeCompiler(scratch, tree, facts, job).run(notes);
}

}  // namespace axle
