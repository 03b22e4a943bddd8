// Identities of entries, and RECORD. spec: "Recording installed projects".

#include <algorithm>

#include "axle/base/error.h"
#include "axle/object/rpath_edit.h"
#include "axle/wheel/record.h"
#include "plan/identity.h"
#include "plan/passes.h"

namespace axle {
namespace {

// Equal for entries that would leave the same thing at the path.
Sha256 identity_of(const Plan& plan, const Entry& entry) {
  struct Visitor {
    const Plan& plan;
    std::string operator()(const StoreFile& file) const {
      return file_identity(plan.dists[file.wheel].facts.file(file.file).sha256);
    }
    std::string operator()(const StoreTree& tree) const {
      return tree_identity(plan.dists[tree.wheel].facts.dir(tree.dir).tree_digest);
    }
    std::string operator()(const Rewritten& script) const {
      return script_identity((*this)(script.from), script.interpreter) +
             (plan.policy.relocatable == Relocatable::yes ? " relocatable" : "");
    }
    std::string operator()(const Patched& object) const {
      std::string text = "patched " + std::to_string(rpath_edit_version) + " " + (*this)(object.from);
      for (const std::string& rpath : object.rpaths) text += " " + rpath;
      return text;
    }
    std::string operator()(const Generated& file) const { return file_identity(Sha256::of(file.bytes)); }
    std::string operator()(const Symlink& link) const { return "link " + link.target; }
    std::string operator()(const Directory&) const { return "directory"; }
    std::string operator()(const Record&) const { return "record"; }
  };
  // A link is to one wheel's copy; the same bytes in another wheel are another link.
  const Sha256 linked = entry.lay == Lay::link ? plan.dists[entry.owner].facts.store_id() : Sha256{};
  return laid_identity(std::visit(Visitor{plan}, entry.content) + link_suffix(plan, entry.lay),
                       entry.executable, entry.lay, linked);
}

}  // namespace

namespace {

// Files of one wheel as they are. Whose content a shared file has follows the order of the wheels, and whose
// bytes RECORD tells is another matter where two spellings have one meaning: those do not count as the
// wheel's.
bool is_of_wheel_alone(const Entry& entry) {
  if (!entry.sharers.empty()) return false;
  if (const auto* tree = std::get_if<StoreTree>(&entry.content)) return tree->wheel == entry.owner;
  const auto* file = std::get_if<StoreFile>(&entry.content);
  return file != nullptr && file->wheel == entry.owner;
}

}  // namespace

std::string file_identity(const Sha256& digest) { return "file " + digest.hex(); }
std::string tree_identity(const Sha256& digest) { return "tree " + digest.hex(); }

std::string script_identity(const std::string& file, const std::string& interpreter) {
  return "script " + file + " " + interpreter;
}

std::string link_suffix(const Plan& plan, Lay lay) {
  return lay == Lay::link && plan.policy.relocatable == Relocatable::yes ? " relative" : "";
}

Sha256 laid_identity(std::string what, bool executable, Lay lay, const Sha256& wheel) {
  if (executable) what += " x";
  if (lay == Lay::link) what += " linked " + wheel.hex();
  return Sha256::of(what);
}

std::vector<std::string> record_sums(const Plan& plan) {
  std::vector<std::string> sums(plan.dists.size());
  for (DistId id = 0; id < plan.dists.size(); ++id) {
    const Dist& dist = plan.dists[id];
    sums[id] = "wheel " + dist.facts.store_id().hex() + "\n";
    for (const std::uint32_t lost : dist.lost_files) sums[id] += "lost " + std::to_string(lost) + "\n";
  }
  for (const Entry& entry : plan.entries) {
    if (std::holds_alternative<Record>(entry.content)) continue;
    const std::string row = record_sum_row(entry.path, entry.identity);
    if (entry.owner != environment_itself && !is_of_wheel_alone(entry)) sums[entry.owner] += row;
    for (const DistId sharer : entry.sharers) {
      if (sharer != environment_itself) sums[sharer] += row;
    }
  }
  return sums;
}

std::string record_sum_row(const RelPath& path, const Sha256& identity) {
  return path.str() + " " + identity.hex() + "\n";
}

Sha256 record_identity(const std::string& sum) { return Sha256::of("record " + sum); }

void add_records(Draft& draft) {
  Plan& plan = draft.plan;
  for (Entry& entry : plan.entries) entry.identity = identity_of(plan, entry);
  const std::vector<std::string> sums = record_sums(plan);
  for (Entry& entry : plan.entries) {
    if (const auto* record = std::get_if<Record>(&entry.content))
      entry.identity = record_identity(sums[record->dist]);
  }
}

namespace {

struct Row {
  std::string path;
  std::optional<WrittenFile> file;  // nullopt for RECORD itself
};

// The rows of a distribution that its facts do not hold ready: scripts, data, headers, and what axle wrote
// itself.
class RecordRows {
 public:
  RecordRows(const Plan& plan, DistId dist, bool part_is_whole)
      : part_is_whole_(part_is_whole),
        lib_(plan.dists[dist].facts.root_scheme() == Scheme::purelib ? plan.layout.purelib
                                                                     : plan.layout.platlib) {}

  void add_file(const RelPath& path, const WheelFacts& facts, std::uint32_t index) {
    const FileFact& file = facts.file(index);
    if (part_is_whole_ && is_lib(facts.scheme_of(file))) return;
    rows.push_back({record_path(lib_, path), WrittenFile{file.sha256, file.size}});
  }

  void add_tree(const RelPath& path, const WheelFacts& facts, std::uint32_t index) {
    const DirFact& dir = facts.dir(index);
    if (part_is_whole_ && is_lib(dir.scheme)) return;
    const std::size_t prefix = facts.dir_path(index).size();
    const std::string base = record_path(lib_, path);
    for (const FileFact& file : facts.files_below(dir)) {
      const std::string below = facts.path_of(facts.index_of(file));
      rows.push_back(
          {base + (prefix == 0 ? "/" + below : below.substr(prefix)), WrittenFile{file.sha256, file.size}});
    }
  }

  void add_written(const RelPath& path, const WrittenFile& file) {
    rows.push_back({record_path(lib_, path), file});
  }

  void add_record(const RelPath& path) { rows.push_back({record_path(lib_, path), std::nullopt}); }

  std::vector<Row> rows;

 private:
  bool part_is_whole_;
  std::optional<RelPath> lib_;
};

}  // namespace

RecordIndex index_records(const Plan& plan) {
  RecordIndex index(plan.dists.size());
  for (std::uint32_t i = 0; i < plan.entries.size(); ++i) {
    const Entry& entry = plan.entries[i];
    if (entry.owner != environment_itself) index[entry.owner].push_back(i);
    for (const DistId sharer : entry.sharers) {
      // One wheel may bring the same bytes twice, for purelib and for platlib.
      if (sharer == environment_itself || (!index[sharer].empty() && index[sharer].back() == i)) continue;
      index[sharer].push_back(i);
    }
  }
  return index;
}

std::string render_record(const Plan& plan, DistId id,
                          const std::vector<std::optional<WrittenFile>>& written) {
  std::string text;
  render_record(plan, id, written, index_records(plan), [&](std::string_view piece) { text.append(piece); });
  return text;
}

void render_record(const Plan& plan, DistId id, const std::vector<std::optional<WrittenFile>>& written,
                   const RecordIndex& index, const RecordSink& put) {
  const Dist& dist = plan.dists.at(id);
  const WheelFacts& facts = dist.facts;
  // The part of RECORD that is ready holds every file of the wheel's lib schemes; it serves when all of them
  // are in place as they are.
  const bool one_lib = plan.layout.purelib == plan.layout.platlib ||
                       !(facts.root(Scheme::purelib).has_value() && facts.root(Scheme::platlib).has_value());
  bool part_is_whole = one_lib && dist.lost_files.empty();
  for (const std::uint32_t i : index.at(id)) {
    if (std::holds_alternative<Patched>(plan.entries[i].content)) part_is_whole = false;
  }
  // A file shared with another distribution is an entry of that one, made from its wheel; the ready part
  // lists it all the same.
  RecordRows rows(plan, id, part_is_whole);
  for (const std::uint32_t i : index.at(id)) {
    const Entry& entry = plan.entries[i];
    if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
      rows.add_tree(entry.path, plan.dists[tree->wheel].facts, tree->dir);
    } else if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      rows.add_file(entry.path, plan.dists[file->wheel].facts, file->file);
    } else if (std::holds_alternative<Record>(entry.content)) {
      continue;  // every RECORD lists itself, whether this plan lays it or not
    } else if (const auto* generated = std::get_if<Generated>(&entry.content)) {
      rows.add_written(entry.path, {Sha256::of(generated->bytes), generated->bytes.size()});
    } else if (written.at(i)) {
      rows.add_written(entry.path, *written[i]);
    }
  }
  rows.add_record(RelPath::parse(dist.dist_info.str() + "/RECORD"));
  std::sort(rows.rows.begin(), rows.rows.end(), [](const Row& a, const Row& b) { return a.path < b.path; });
  // The ready part is sorted, too: its pieces lie between the other rows. A large one (there are wheels with
  // 10 MB of rows) is handed on as it is.
  constexpr std::size_t large_piece = 64U << 10;
  std::string_view ready = part_is_whole ? facts.record_part() : std::string_view();
  std::string text;
  text.reserve(std::min(ready.size(), large_piece) + 256 * rows.rows.size());
  const auto flush = [&] {
    if (!text.empty()) put(text);
    text.clear();
  };
  const auto add_ready = [&](std::size_t size) {
    const std::string_view piece = ready.substr(0, size);
    ready.remove_prefix(size);
    if (size < large_piece) {
      text.append(piece);
    } else {
      flush();
      put(piece);
    }
  };
  for (const Row& row : rows.rows) {
    add_ready(place_in_record(ready, row.path));
    if (row.file) {
      append_record_row(text, row.path, row.file->sha256.base64url(), row.file->size);
    } else {
      append_csv_field(text, row.path);
      text += ",,\n";
    }
  }
  add_ready(ready.size());
  flush();
}

}  // namespace axle
