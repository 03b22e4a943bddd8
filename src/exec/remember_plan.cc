// Writing a remembered plan.

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "axle/wheel/facts_builder.h"
#include "base/codec.h"
#include "base/file.h"
#include "exec/damage.h"
#include "exec/dist_tree.h"
#include "exec/entry_bytes.h"
#include "exec/remembered_format.h"
#include "exec/remembered_plan.h"
#include "plan/identity.h"
#include "store/scratch.h"

namespace axle {
namespace {

using namespace remembered;

// So many are kept, the latest, and none that is larger.
constexpr std::size_t most_files = 64;
constexpr std::size_t most_bytes = 8U << 20;

bool is_of_environment(const Entry& entry) {
  return entry.owner == environment_itself && entry.sharers.empty();
}

class PlanWriter {
 public:
  PlanWriter(const Store& store, const Plan& plan, const std::string& script_interpreter,
             std::int64_t mtime_ns)
      : plan_(plan),
        store_(store),
        mtime_ns_(mtime_ns),
        trees_(store_trees(plan, store)),
        interpreter_(script_interpreter),
        shebang_(plain_shebang(script_interpreter)),
        written_(plan.entries.size()),
        has_script_(plan.dists.size()) {}

  // The file's bytes; "" when something in the plan is not understood.
  std::string render(const std::vector<ReceiptInput>& inputs, const Diagnostics& notes) {
    if (shebang_.empty() || !plan_.conflicts.empty() || record_bytes() > most_bytes) return "";
    add_inputs(inputs);
    if (!add_notes(notes) || !add_dists() || !add_entries()) return "";
    return assemble();
  }

 private:
  // Of this environment alone, so that it is nothing for another one.
  bool names_place(std::string_view text) const {
    return text.find(interpreter_) != std::string_view::npos ||
           text.find(plan_.layout.root) != std::string_view::npos;
  }

  // Of what comes from the wheels. Told before any text is made: there are wheels with 10 MB of RECORD.
  std::size_t record_bytes() const {
    std::size_t bytes = 0;
    for (const Dist& dist : plan_.dists) bytes += dist.facts.record_part().size();
    return bytes;
  }

  void add_inputs(const std::vector<ReceiptInput>& inputs) {
    entries_.text(interpreter_);
    entries_.number(inputs.size());
    for (const ReceiptInput& input : inputs) {
      entries_.text(input.path);
      entries_.digest(input.sha256);
    }
  }

  bool add_notes(const Diagnostics& notes) {
    entries_.number(notes.size());
    for (const Diagnostic& note : notes) {
      entries_.number(static_cast<std::uint64_t>(note.severity));
      for (const auto* text : {&note.kind, &note.distribution, &note.path, &note.message, &note.hint}) {
        if (names_place(*text)) return false;
        entries_.text(*text);
      }
    }
    return true;
  }

  // With facts of those files alone that are not links.
  bool add_dists() {
    std::vector<FactsBuilder> builders;
    for (const Dist& dist : plan_.dists) {
      if (!dist.recorded) return false;
      FactsBuilder& builder = builders.emplace_back();
      const WheelFacts& facts = dist.facts;
      builder.name(facts.name()).version(facts.version()).dist_info(facts.dist_info());
      builder.root_scheme(facts.root_scheme());
      builder.archive(facts.file_name(), facts.archive_size(), facts.wheel_sha256());
      if (!facts.byte_code().empty()) builder.byte_code(facts.byte_code(), facts.store_id());
    }
    for (const Entry& entry : plan_.entries) {
      const auto* file = std::get_if<StoreFile>(&entry.content);
      if (file == nullptr || entry.lay == Lay::link) continue;
      const WheelFacts& facts = plan_.dists[file->wheel].facts;
      const FileFact& fact = facts.file(file->file);
      builders[file->wheel].file(facts.scheme_of(fact), facts.path_of(file->file),
                                 FileInput{fact.size, fact.sha256, fact.flags, fact.mtime});
    }
    entries_.number(plan_.dists.size());
    for (std::size_t i = 0; i < plan_.dists.size(); ++i) {
      const Dist& dist = plan_.dists[i];
      slim_.push_back(builders[i].build(FactsDetail::layout));
      entries_.text(slim_.back().bytes());
      entries_.text(dist.name);
      entries_.text(dist.version);
      entries_.text(dist.dist_info.str());
      entries_.number((dist.requested ? 1U : 0U) | (dist.direct_url ? 2U : 0U));
      if (dist.direct_url) entries_.text(*dist.direct_url);
    }
    return true;
  }

  bool add_entries() {
    for (std::size_t i = 0; i < plan_.entries.size(); ++i) {
      const Entry& entry = plan_.entries[i];
      if (!std::holds_alternative<Rewritten>(entry.content)) continue;
      written_[i] = measure_entry(plan_, entry, trees_, nullptr);
    }
    // Memory that is touched for the first time costs as much as what is done with it here.
    constexpr std::size_t for_own_rows = 1024;
    texts_.reserve(record_bytes() + for_own_rows * plan_.dists.size());
    const RecordIndex index = index_records(plan_);
    const std::vector<std::string> sums = record_sums(plan_);
    std::uint64_t count = 0;
    for (const Entry& entry : plan_.entries) {
      if (is_of_environment(entry)) continue;
      ++count;
      if (is_script(entry)) has_script_[entry.owner] = true;
    }
    entries_.number(count);
    for (const Entry& entry : plan_.entries) {
      if (is_of_environment(entry)) continue;
      if (const auto* record = std::get_if<Record>(&entry.content)) {
        const std::size_t begin = texts_.size();
        render_record(plan_, record->dist, written_, index, [&](std::string_view piece) { texts_ += piece; });
        add_record(entry, std::string_view(texts_).substr(begin), sums[record->dist]);
      } else if (!add_entry(entry)) {
        return false;
      }
    }
    entries_.digest(Sha256::of(texts_));
    entries_.number(texts_sum(texts_));
    return true;
  }

  void add_record(const Entry& entry, std::string_view text, const std::string& sum) {
    const DistId dist = std::get<Record>(entry.content).dist;
    add_head(entry, Kind::record);
    entries_.number(dist);
    entries_.number(text.size());
    entries_.text(has_script_[dist] ? sum : std::string());
    entries_.text(has_script_[dist] ? std::string() : keep(text));
  }

  // Whether its first line names the interpreter.
  bool is_script(const Entry& entry) const {
    const bool may_be =
        std::holds_alternative<Generated>(entry.content) || std::holds_alternative<Rewritten>(entry.content);
    return may_be && entry.owner != environment_itself &&
           entry_bytes(plan_, entry, trees_, nullptr).view().starts_with(shebang_);
  }

  void add_head(const Entry& entry, Kind kind) {
    entries_.number(static_cast<std::uint64_t>(kind));
    entries_.text(entry.path.str());
    entries_.number(entry.owner);
    entries_.number(entry.sharers.size());
    for (const DistId sharer : entry.sharers) entries_.number(sharer);
    entries_.number(entry.executable ? 1 : 0);
    entries_.digest(entry.identity);
  }

  bool add_entry(const Entry& entry) {
    if (entry.lay == Lay::link) {
      add_head(entry, Kind::link);
      entries_.text(link_target(plan_, entry, trees_));
      const auto* tree = std::get_if<StoreTree>(&entry.content);
      const DistId id = tree != nullptr ? tree->wheel : std::get<StoreFile>(entry.content).wheel;
      const WheelFacts& facts = plan_.dists[id].facts;
      const std::vector<std::uint32_t> files = sampled_for_link(plan_, entry);
      if (files.empty()) return true;
      const std::string path = path_of_file(trees_[id], facts, files.front());
      looks_.text(path.substr(0, path.rfind('/')));
      looks_.number(files.size());
      for (const std::uint32_t file : files) {
        const FileFact& fact = facts.file(file);
        looks_.text(facts.name(fact));
        looks_.number(fact.size);
        looks_.signed_number(fact.mtime);
      }
      return true;
    }
    if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      const WheelFacts& facts = plan_.dists[file->wheel].facts;
      const auto slim =
          slim_[file->wheel].find(facts.scheme_of(facts.file(file->file)), facts.path_of(file->file));
      if (!slim) return false;
      add_head(entry, Kind::file);
      entries_.number(file->wheel);
      entries_.number(*slim);
      return true;
    }
    if (std::holds_alternative<Directory>(entry.content)) {
      add_head(entry, Kind::directory);
      return true;
    }
    const bool is_generated = std::holds_alternative<Generated>(entry.content);
    return (is_generated || std::holds_alternative<Rewritten>(entry.content)) && add_bytes(entry);
  }

  bool add_bytes(const Entry& entry) {
    const OwnBytes bytes = entry_bytes(plan_, entry, trees_, nullptr);
    std::string_view rest = bytes.view();
    const bool names_interpreter = rest.starts_with(shebang_);
    if (names_interpreter) rest.remove_prefix(shebang_.size());
    if (names_place(rest)) return false;
    add_head(entry, names_interpreter ? Kind::script : Kind::generated);
    entries_.text(rest);
    if (!names_interpreter) {
      const bool is_same = !entry.executable && entry.owner != environment_itself &&
                           entry.path.is_within(plan_.dists[entry.owner].dist_info);
      entries_.text(is_same ? keep(rest) : std::string());
      return true;
    }
    if (!entry.sharers.empty() || entry.owner == environment_itself) return false;
    const Dist& owner = plan_.dists[entry.owner];
    const auto& lib =
        owner.facts.root_scheme() == Scheme::purelib ? plan_.layout.purelib : plan_.layout.platlib;
    entries_.text(record_path(lib, entry.path));
    const auto* script = std::get_if<Rewritten>(&entry.content);
    if (script != nullptr && script->interpreter != interpreter_) return false;
    entries_.text(script == nullptr
                      ? std::string()
                      : file_identity(plan_.dists[script->from.wheel].facts.file(script->from.file).sha256));
    return true;
  }

  // The name of the file that is kept with these bytes.
  std::string keep(std::string_view bytes) {
    std::string name = std::string(kept_folder) + "/" + kept_name(mtime_ns_, Sha256::of(bytes));
    if (!kept_.emplace(name, bytes.size()).second) return name;
    const auto status = try_lstat(store_.root().get(), name);
    if (status && S_ISREG(status->st_mode) && static_cast<std::uint64_t>(status->st_size) == bytes.size() &&
        mtime_ns(*status) == mtime_ns_ && has_kept_mode(*status))
      return name;
    const ScratchDirectory staging(store_.root(), "own");
    create_file(staging.fd(), "file", bytes, {kept_mode, mtime_ns_});
    rename_at(staging.fd(), "file", store_.root().get(), name);
    return name;
  }

  void add_kept_looks() {
    if (kept_.empty()) return;
    looks_.text(kept_folder);
    looks_.number(kept_.size());
    for (const auto& [name, size] : kept_) {
      looks_.text(std::string_view(name).substr(name.rfind('/') + 1));
      looks_.number(size);
      looks_.signed_number(mtime_ns_ / 1'000'000'000);
    }
  }

  std::string assemble() {
    add_kept_looks();
    const std::array<std::string, part_count> parts{entries_.finish(), looks_.finish(), std::move(texts_)};
    std::string bytes;
    bytes.reserve(header_size + parts[part_entries].size() + parts[part_looks].size() +
                  parts[part_texts].size());
    bytes += file_magic;
    for (const std::string& part : parts) {
      const std::uint64_t size = part.size();
      bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    }
    for (const std::string& part : parts) bytes += part;
    return bytes.size() > most_bytes ? std::string() : bytes;
  }

  const Plan& plan_;
  const Store& store_;
  const std::int64_t mtime_ns_;  // of what axle writes itself
  const Trees trees_;
  const std::string& interpreter_;
  const std::string shebang_;
  std::vector<std::optional<WrittenFile>> written_;  // by entry of the plan
  std::vector<bool> has_script_;                     // by DistId
  std::vector<WheelFacts> slim_;                     // by DistId
  std::map<std::string, std::uint64_t> kept_;        // names and sizes
  Encoder entries_{entries_magic};
  Encoder looks_{looks_magic};
  std::string texts_;
};

void remove_oldest(const Store& store) {
  std::vector<std::pair<std::int64_t, std::string>> files;
  for (const DirEntry& entry : list_dir(store.root().get(), folder)) {
    const std::string path = std::string(folder) + "/" + entry.name;
    if (const auto status = try_lstat(store.root().get(), path)) files.emplace_back(mtime_ns(*status), path);
  }
  if (files.size() <= most_files) return;
  std::sort(files.begin(), files.end());
  files.resize(files.size() - most_files);
  for (const auto& [time, path] : files) unlink_at(store.root().get(), path);
}

}  // namespace

void remember_plan(const Store& store, const Sha256& key, const std::vector<ReceiptInput>& inputs,
                   const Diagnostics& notes, const Plan& plan, const std::string& script_interpreter,
                   std::int64_t mtime_ns) {
  make_dir(store.root().get(), folder);
  make_dir(store.root().get(), kept_folder);
  const std::string bytes = PlanWriter(store, plan, script_interpreter, mtime_ns).render(inputs, notes);
  if (bytes.empty()) return;
  replace_stored(store.root(), file_name(key), bytes);
  remove_oldest(store);
}

}  // namespace axle
