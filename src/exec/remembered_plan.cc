// Reading a remembered plan; remember_plan.cc writes it.

#include "exec/remembered_plan.h"

#include <fcntl.h>
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "axle/base/error.h"
#include "axle/wheel/record.h"
#include "base/codec.h"
#include "base/fd.h"
#include "exec/damage.h"
#include "exec/remembered_format.h"
#include "plan/identity.h"
#include "plan/launcher_scripts.h"
#include "store/use_time.h"

namespace axle {
namespace {

using namespace remembered;

using Parts = std::array<std::string_view, part_count>;

Parts split(std::string_view file, const std::string& name) {
  const auto damaged = [&] { throw Error(ErrorCode::bad_input, Place{name}, "is no remembered plan"); };
  if (file.size() < header_size || !file.starts_with(file_magic)) damaged();
  Parts parts;
  std::string_view rest = file.substr(header_size);
  for (std::size_t i = 0; i < part_count; ++i) {
    std::uint64_t size = 0;
    std::memcpy(&size, file.data() + file_magic.size() + i * sizeof size, sizeof size);
    if (size > rest.size()) damaged();
    parts[i] = rest.substr(0, static_cast<std::size_t>(size));
    rest.remove_prefix(parts[i].size());
  }
  return parts;
}

std::string record_row(std::string_view path, std::string_view bytes) {
  std::string row;
  append_record_row(row, path, Sha256::of(bytes).base64url(), bytes.size());
  return row;
}

class PlanReader {
 public:
  PlanReader(const Parts& parts, const std::string& name)
      : in_(parts[part_entries], entries_magic, name), texts_(parts[part_texts]), name_(name) {}

  // Without an interpreter all is as it was remembered.
  std::optional<RememberedParts> read(const std::optional<std::string>& interpreter) {
    old_interpreter_ = in_.text();
    interpreter_ = interpreter.value_or(old_interpreter_);
    old_shebang_ = plain_shebang(old_interpreter_);
    shebang_ = plain_shebang(interpreter_);
    if (shebang_.empty()) return std::nullopt;
    read_inputs();
    read_notes();
    read_dists();
    scripts_.resize(parts_.dists.size());
    const std::size_t count = in_.count();
    parts_.entries.reserve(std::min(count, most_entries));
    for (std::size_t i = 0; i < count; ++i) read_entry();
    digest_ = in_.digest();
    if (in_.number() != texts_sum(texts_all_)) in_.fail("has RECORDs that have changed");
    for (const PendingRecord& record : records_) tell_scripts(record);
    return std::move(parts_);
  }

  // After read(): whether the texts are those that were remembered.
  bool texts_are_whole() const { return digest_ == Sha256::of(texts_all_); }

 private:
  static constexpr std::size_t most_entries = 1U << 16;  // that are reserved for unseen

  // What has become of a script of a distribution.
  struct Script {
    std::string old_row, row;          // of RECORD
    std::string old_sum_row, sum_row;  // of what RECORD's identity is made of
  };

  // A RECORD that has rows of scripts.
  struct PendingRecord {
    std::size_t entry;
    std::string sum;
  };

  void read_inputs() {
    for (std::size_t count = in_.count(); count > 0; --count) {
      std::string path(in_.text());
      parts_.inputs.push_back({std::move(path), in_.digest()});
    }
  }

  void read_notes() {
    for (std::size_t count = in_.count(); count > 0; --count) {
      Diagnostic note;
      const std::uint64_t severity = in_.number();
      if (severity > static_cast<std::uint64_t>(Severity::error)) in_.fail("has a note of an unknown kind");
      note.severity = static_cast<Severity>(severity);
      for (auto* text : {&note.kind, &note.distribution, &note.path, &note.message, &note.hint})
        *text = in_.text();
      parts_.notes.push_back(std::move(note));
    }
  }

  void read_dists() {
    for (std::size_t count = in_.count(); count > 0; --count) {
      WheelFacts facts = WheelFacts::open(std::string(in_.text()), name_);
      std::string dist_name(in_.text());
      std::string version(in_.text());
      RelPath dist_info = RelPath::parse(in_.text());
      const std::uint64_t flags = in_.number();
      Dist dist{std::move(facts),
                std::move(dist_name),
                std::move(version),
                std::move(dist_info),
                (flags & 1) != 0,
                std::nullopt,
                true,
                {}};
      if ((flags & 2) != 0) dist.direct_url = std::string(in_.text());
      parts_.dists.push_back(std::move(dist));
    }
  }

  DistId dist_id(std::uint64_t id) const {
    if (id >= parts_.dists.size()) in_.fail("names a distribution that it does not have");
    return static_cast<DistId>(id);
  }

  void read_entry() {
    const std::uint64_t kind = in_.number();
    Entry entry{RelPath::parse(in_.text()), environment_itself, {}, Directory{}, false, Lay::file, {}};
    entry.owner = dist_id(in_.number());
    for (std::size_t count = in_.count(); count > 0; --count) entry.sharers.push_back(dist_id(in_.number()));
    entry.executable = in_.number() != 0;
    entry.identity = in_.digest();
    switch (static_cast<Kind>(kind)) {
      case Kind::link:
        entry.content = Symlink{std::string(in_.text())};
        break;
      case Kind::file: {
        const DistId wheel = dist_id(in_.number());
        const std::uint64_t file = in_.number();
        if (file >= parts_.dists[wheel].facts.files().size()) in_.fail("names a file that it does not have");
        entry.content = StoreFile{wheel, static_cast<std::uint32_t>(file)};
        break;
      }
      case Kind::generated:
        entry.content = Generated{std::string(in_.text()), {}};
        std::get<Generated>(entry.content).kept = read_kept();
        break;
      case Kind::script:
        read_script(entry);
        break;
      case Kind::directory:
        break;
      case Kind::record:
        read_record(entry);
        break;
      default:
        in_.fail("has an entry of an unknown kind");
    }
    parts_.entries.push_back(std::move(entry));
  }

  // The path of a file beside the plans, or "".
  std::string_view read_kept() {
    constexpr std::string_view folder = kept_folder;
    const std::string_view path = in_.text();
    const bool is_kept = path.starts_with(folder) && path.substr(folder.size()).starts_with('/') &&
                         Sha256::from_hex(path.substr(folder.size() + 1));
    if (!path.empty() && !is_kept) in_.fail("names a file that is none of the store's");
    return path;
  }

  void read_script(Entry& entry) {
    const std::string_view rest = in_.text();
    const std::string_view row_path = in_.text();
    const std::string wheels_file(in_.text());
    Generated script{shebang_ + std::string(rest), {}};
    if (shebang_ != old_shebang_) {
      const Sha256 old_identity = entry.identity;
      entry.identity = laid_identity(wheels_file.empty() ? file_identity(Sha256::of(script.bytes))
                                                         : script_identity(wheels_file, interpreter_),
                                     entry.executable, Lay::file, {});
      scripts_[entry.owner].push_back(
          {record_row(row_path, old_shebang_ + std::string(rest)), record_row(row_path, script.bytes),
           record_sum_row(entry.path, old_identity), record_sum_row(entry.path, entry.identity)});
    }
    entry.content = std::move(script);
  }

  void read_record(Entry& entry) {
    const DistId dist = dist_id(in_.number());
    const std::uint64_t size = in_.number();
    std::string sum(in_.text());
    if (size == 0 || size > texts_.size()) in_.fail("has a RECORD that it does not hold");
    const Record record{dist, texts_.substr(0, static_cast<std::size_t>(size)), read_kept()};
    texts_.remove_prefix(record.text.size());
    entry.content = record;
    if (!sum.empty() && shebang_ != old_shebang_) records_.push_back({parts_.entries.size(), std::move(sum)});
  }

  void tell_scripts(PendingRecord pending) {
    Entry& entry = parts_.entries[pending.entry];
    auto& record = std::get<Record>(entry.content);
    std::string& text = parts_.texts.emplace_back(record.text);
    for (const Script& script : scripts_[record.dist]) {
      replace_line(text, script.old_row, script.row);
      replace_line(pending.sum, script.old_sum_row, script.sum_row);
    }
    entry.identity = record_identity(pending.sum);
    record.text = text;
  }

  void replace_line(std::string& text, std::string_view old, std::string_view now) const {
    std::size_t at = text.find(old);
    while (at != std::string::npos && at > 0 && text[at - 1] != '\n') at = text.find(old, at + 1);
    if (at == std::string::npos) in_.fail("has a RECORD without one of its scripts");
    text.replace(at, old.size(), now);
  }

  Decoder in_;
  std::string_view texts_;  // what is left of them
  const std::string_view texts_all_ = texts_;
  Sha256 digest_;  // of all texts
  const std::string& name_;
  std::string old_interpreter_, interpreter_;
  std::string old_shebang_, shebang_;
  std::vector<std::vector<Script>> scripts_;  // by DistId
  std::vector<PendingRecord> records_;
  RememberedParts parts_;
};

}  // namespace

std::uint32_t remembered::texts_sum(std::string_view texts) noexcept {
  return libdeflate_crc32(0, texts.data(), texts.size());
}

std::string remembered::plain_shebang(const std::string& interpreter) {
  std::string line = "#!" + interpreter + "\n";
  return render_shebang({interpreter, false, Os::linux}) == line ? line : "";
}

std::optional<RememberedPlan> RememberedPlan::find(const Fd& root, const Sha256& key) {
  std::string name = file_name(key);
  const auto status = try_lstat(root.get(), name);
  if (!status || !S_ISREG(status->st_mode)) return std::nullopt;
  auto file = MappedFile::try_open(root.get(), name);
  if (!file) return std::nullopt;
  return RememberedPlan(std::move(*file), std::move(name));
}

std::optional<RememberedParts> RememberedPlan::parts(const std::string& script_interpreter) const {
  return PlanReader(split(file_.bytes(), name_), name_).read(script_interpreter);
}

bool RememberedPlan::is_unpacked(const Fd& store) const {
  Decoder in(split(file_.bytes(), name_)[part_looks], looks_magic, name_);
  // Names in a directory that is open are found faster than paths, when there are some.
  constexpr std::size_t worth_a_descriptor = 3;
  while (!in.at_end()) {
    std::string path(in.text());
    const bool is_kept = path == kept_folder;
    const std::size_t count = in.count();
    Fd dir;
    if (count >= worth_a_descriptor) {
      dir = Fd(openat(store.get(), path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!dir) return false;
      path.clear();
    } else {
      path += '/';
    }
    const std::size_t prefix = path.size();
    for (std::size_t i = 0; i < count; ++i) {
      path.resize(prefix);
      path += in.text();
      FileFact fact{};
      fact.size = in.number();
      fact.mtime = in.signed_number();
      struct stat status {};
      if (fstatat(dir ? dir.get() : store.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
          !looks_unpacked(status, fact) || (is_kept && !has_kept_mode(status)))
        return false;
    }
  }
  return true;
}

void RememberedPlan::renew_use(const Store& store, const std::vector<Dist>& dists) const {
  const auto status = try_lstat(store.root().get(), name_);
  if (!status || !is_old_use(mtime_ns(*status))) return;
  try {
    for (const Dist& dist : dists) store.find(dist.facts.store_id());  // which renews it
  } catch (const Error& error) {
    // The environment is there: facts that cannot be read are for who needs them.
    if (error.code() == ErrorCode::interrupted) throw;
    return;
  }
  utimensat(store.root().get(), name_.c_str(), nullptr, 0);
}

std::optional<RememberedPlan::Content> RememberedPlan::content() const {
  try {
    const Parts parts = split(file_.bytes(), name_);
    Decoder(parts[part_looks], looks_magic, name_);
    PlanReader reader(parts, name_);
    const auto read = reader.read(std::nullopt);
    if (!read || !reader.texts_are_whole()) return std::nullopt;
    Content content;
    for (const Dist& dist : read->dists) content.wheels.push_back(dist.facts.store_id());
    for (const Entry& entry : read->entries) {
      const auto* generated = std::get_if<Generated>(&entry.content);
      const auto* record = std::get_if<Record>(&entry.content);
      const std::string_view kept = generated != nullptr ? generated->kept
                                    : record != nullptr  ? record->kept
                                                         : "";
      if (!kept.empty()) content.kept.insert(std::string(kept));
    }
    return content;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_input) throw;
    return std::nullopt;
  }
}

}  // namespace axle
