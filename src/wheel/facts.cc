#include "axle/wheel/facts.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "wheel/facts_format.h"

namespace axle {
namespace {

[[noreturn]] void damaged(std::string_view what) {
  throw Error(ErrorCode::bad_input, "the facts of a wheel are damaged: " + std::string(what),
              "axle store verify --repair makes them anew");
}

bool is_component(std::string_view name) noexcept {
  return name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

bool is_aligned(const char* data) noexcept { return reinterpret_cast<std::uintptr_t>(data) % 8 == 0; }

// How many bytes a record of the section has; the section's size must be a multiple.
constexpr std::size_t record_size(unsigned id) noexcept {
  switch (id) {
    case section_text:
    case section_record_part:
    case section_object_data:
      return 1;
    case section_head:
      return sizeof(FactsHead);
    case section_dirs:
      return sizeof(DirFact);
    case section_files:
      return sizeof(FileFact);
    case section_entry_points:
      return sizeof(EntryRecord);
    case section_startup:
      return sizeof(StartupRecord);
    case section_inits:
      return sizeof(InitFact);
    case section_objects:
      return sizeof(ObjectRecord);
    case section_faults:
      return sizeof(FaultRecord);
    default:
      return sizeof(TextRef);
  }
}

const FactsHeader& header_of(std::string_view bytes) noexcept {
  return *reinterpret_cast<const FactsHeader*>(bytes.data());
}

// nullptr when the table is sound.
const char* table_fault(std::string_view bytes) noexcept {
  if (bytes.size() < sizeof(FactsHeader)) return "too short";
  const FactsHeader& header = header_of(bytes);
  if (std::memcmp(header.magic, facts_magic, sizeof facts_magic) != 0) return "not a facts file";
  if (header.version != facts_version) return "another version of the format";
  if (header.section_count != facts_section_count) return "another number of sections";
  if (header.total_size != bytes.size()) return "truncated";
  for (unsigned id = 0; id < facts_section_count; ++id) {
    const FactsRange& range = header.sections[id];
    if (range.offset % 8 != 0 || range.offset > bytes.size() || range.size > bytes.size() - range.offset) {
      return "a section lies outside";
    }
    if (range.size % record_size(id) != 0) return "a section ends within a record";
    if (range.size / record_size(id) >= no_dir) return "a section is too large";
  }
  if (header.sections[section_head].size != sizeof(FactsHead)) return "has no head";
  return nullptr;
}

}  // namespace

std::string_view to_string(NamespaceKind kind) noexcept {
  static constexpr std::array<std::string_view, 5> names{"not-package", "regular", "pep420", "pkgutil",
                                                         "pkg_resources"};
  return names[static_cast<std::size_t>(kind) % names.size()];
}

WheelFacts WheelFacts::open(std::shared_ptr<const void> owner, std::string_view bytes,
                            std::string_view name) {
  if (!is_aligned(bytes.data())) {
    auto copy = std::make_shared<std::vector<std::uint64_t>>(bytes.size() / 8 + 1);
    std::memcpy(copy->data(), bytes.data(), bytes.size());
    bytes = {reinterpret_cast<const char*>(copy->data()), bytes.size()};
    owner = std::move(copy);
  }
  if (const char* fault = table_fault(bytes)) {
    throw Error(ErrorCode::bad_input, Place{std::string(name)},
                std::string("the facts of a wheel are damaged: ") + fault,
                "axle store verify --repair makes them anew");
  }
  WheelFacts facts;
  facts.owner_ = std::move(owner);
  facts.bytes_ = bytes;
  facts.dirs_ = facts.records<DirFact>(section_dirs);
  facts.files_ = facts.records<FileFact>(section_files);
  facts.inits_ = facts.records<InitFact>(section_inits);
  return facts;
}

WheelFacts WheelFacts::open(std::string bytes, std::string_view name) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view view = *owner;
  return open(std::move(owner), view, name);
}

std::string_view WheelFacts::section(unsigned id) const noexcept {
  if (bytes_.empty()) return {};
  const FactsRange& range = header_of(bytes_).sections[id];
  return bytes_.substr(range.offset, range.size);
}

template <class Record>
std::span<const Record> WheelFacts::records(unsigned id) const noexcept {
  const auto bytes = section(id);
  return {reinterpret_cast<const Record*>(bytes.data()), bytes.size() / sizeof(Record)};
}

const FactsHead& WheelFacts::head() const {
  static const FactsHead none;
  const auto heads = records<FactsHead>(section_head);
  return heads.empty() ? none : heads.front();
}

std::string_view WheelFacts::text(TextRef ref) const {
  if (ref.size == 0) return {};
  const auto all = section(section_text);
  if (ref.offset > all.size() || ref.size > all.size() - ref.offset) damaged("a text lies outside");
  return all.substr(ref.offset, ref.size);
}

std::vector<std::string_view> WheelFacts::list(unsigned id) const {
  std::vector<std::string_view> texts;
  for (const TextRef& ref : records<TextRef>(id)) texts.push_back(text(ref));
  return texts;
}

Sha256 WheelFacts::wheel_sha256() const { return head().wheel_sha256; }
Sha256 WheelFacts::store_id() const { return head().store_id; }
std::string_view WheelFacts::byte_code() const { return text(head().byte_code); }
std::uint64_t WheelFacts::archive_size() const { return head().archive_size; }
std::string_view WheelFacts::file_name() const { return text(head().file_name); }
std::string_view WheelFacts::name() const { return text(head().name); }
std::string_view WheelFacts::normalized() const { return text(head().normalized); }
std::string_view WheelFacts::version() const { return text(head().version); }
std::optional<std::string_view> WheelFacts::requires_python() const {
  if (head().has_requires_python == 0) return std::nullopt;
  return text(head().requires_python);
}
std::vector<std::string_view> WheelFacts::requires_dist() const { return list(section_requires_dist); }
std::vector<std::string_view> WheelFacts::provides_extra() const { return list(section_provides_extra); }
std::string_view WheelFacts::summary() const { return text(head().summary); }
std::string_view WheelFacts::license() const { return text(head().license); }
std::string_view WheelFacts::license_expression() const { return text(head().license_expression); }
std::vector<std::string_view> WheelFacts::license_classifiers() const {
  return list(section_license_classifiers);
}
std::vector<std::string_view> WheelFacts::license_files() const { return list(section_license_files); }
std::vector<std::string_view> WheelFacts::import_names() const { return list(section_import_names); }
std::vector<std::string_view> WheelFacts::import_namespaces() const {
  return list(section_import_namespaces);
}
std::vector<std::string_view> WheelFacts::project_urls() const { return list(section_project_urls); }
std::string_view WheelFacts::author() const { return text(head().author); }
bool WheelFacts::root_is_purelib() const { return head().root_is_purelib != 0; }
std::vector<std::string_view> WheelFacts::tags() const { return list(section_tags); }
std::string_view WheelFacts::dist_info() const { return text(head().dist_info); }

std::size_t WheelFacts::record_fault_count() const { return records<FaultRecord>(section_faults).size(); }

std::vector<RecordFault> WheelFacts::record_faults() const {
  std::vector<RecordFault> faults;
  for (const FaultRecord& fault : records<FaultRecord>(section_faults)) {
    faults.push_back({std::string(text(fault.path)), std::string(text(fault.what))});
  }
  return faults;
}

std::vector<std::string_view> WheelFacts::warnings() const { return list(section_warnings); }

const DirFact& WheelFacts::dir(std::uint32_t index) const {
  if (index >= dirs_.size()) damaged("a directory's index is too large");
  return dirs_[index];
}

const FileFact& WheelFacts::file(std::uint32_t index) const {
  if (index >= files_.size()) damaged("a file's index is too large");
  return files_[index];
}

std::span<const FileFact> WheelFacts::files_in(const DirFact& dir) const {
  if (dir.first_file > files_.size() || dir.file_count > files_.size() - dir.first_file) {
    damaged("a directory's files lie outside");
  }
  return files_.subspan(dir.first_file, dir.file_count);
}

std::span<const FileFact> WheelFacts::files_below(const DirFact& dir) const {
  if (dir.first_file > dir.file_end || dir.file_end > files_.size())
    damaged("a directory's files lie outside");
  return files_.subspan(dir.first_file, dir.file_end - dir.first_file);
}

std::vector<std::uint32_t> WheelFacts::child_dirs(std::uint32_t index) const {
  std::vector<std::uint32_t> children;
  const std::uint32_t end = dir(index).dir_end;
  for (std::uint32_t child = index + 1; child < end;) {
    const std::uint32_t next = dir(child).dir_end;
    if (next <= child || next > end) damaged("directories do not nest");
    children.push_back(child);
    child = next;
  }
  return children;
}

std::optional<std::uint32_t> WheelFacts::root(Scheme scheme) const {
  const std::uint32_t index = head().roots[static_cast<std::size_t>(scheme) % 5];
  if (bytes_.empty() || index == no_dir) return std::nullopt;
  if (index >= dirs_.size()) damaged("a root's index is too large");
  return index;
}

std::string_view WheelFacts::name(const DirFact& dir) const {
  if (dir.name.size == 0) {
    // A root; anything else without a name is caught here too, because only a root is its own parent.
    if (dir.parent < dirs_.size() && &dirs_[dir.parent] == &dir) return {};
    damaged("a directory has no name");
  }
  const auto name = text(dir.name);
  if (!is_component(name)) damaged("a directory's name is no component");
  return name;
}

std::string_view WheelFacts::name(const FileFact& file) const {
  const auto name = text(file.name);
  if (name.empty() || !is_component(name)) damaged("a file's name is no component");
  return name;
}

// Two walks to the root: one for the length, one that fills in the names from the end. A parent's index is
// smaller than its child's, so both end.
static void append_dir(const WheelFacts& facts, std::string& out, std::uint32_t index,
                       std::string_view last) {
  constexpr std::size_t max_path = 1 << 16;
  std::size_t length = last.size();
  for (std::uint32_t at = index; facts.dir(at).parent != at; at = facts.dir(at).parent) {
    if (facts.dir(at).parent > at) damaged("a directory's parent comes after it");
    length += facts.dir(at).name.size + (length == 0 ? 0 : 1);
    if (length > max_path) damaged("a path is too long");
  }
  const std::size_t begin = out.size();
  out.resize(begin + length);
  std::size_t end = begin + length;
  const auto put = [&](std::string_view name) {
    if (end != begin + length) out[--end] = '/';
    end -= name.size();
    name.copy(out.data() + end, name.size());
  };
  if (!last.empty()) put(last);
  for (std::uint32_t at = index; facts.dir(at).parent != at; at = facts.dir(at).parent)
    put(facts.name(facts.dir(at)));
}

std::string WheelFacts::dir_path(std::uint32_t index) const {
  std::string path;
  append_dir(*this, path, index, {});
  return path;
}

std::string WheelFacts::path_of(std::uint32_t index) const {
  std::string path;
  append_path(path, file(index));
  return path;
}

void WheelFacts::append_path(std::string& out, const FileFact& file) const {
  append_dir(*this, out, file.dir, name(file));
}

std::optional<std::uint32_t> WheelFacts::find_dir(Scheme scheme, std::string_view path) const {
  auto at = root(scheme);
  while (at && !path.empty()) {
    const std::size_t slash = path.find('/');
    const auto component = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    std::optional<std::uint32_t> found;
    const std::uint32_t end = dir(*at).dir_end;
    for (std::uint32_t child = *at + 1; child < end && !found;) {
      const DirFact& fact = dir(child);
      if (text(fact.name) == component) found = child;
      if (fact.dir_end <= child) damaged("directories do not nest");
      child = fact.dir_end;
    }
    at = found;
  }
  return at;
}

std::optional<std::uint32_t> WheelFacts::find(Scheme scheme, std::string_view path) const {
  const std::size_t slash = path.rfind('/');
  const auto parent =
      find_dir(scheme, slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
  if (!parent) return std::nullopt;
  const auto component = path.substr(slash + 1);
  const auto files = files_in(dir(*parent));
  const auto at =
      std::lower_bound(files.begin(), files.end(), component,
                       [&](const FileFact& fact, std::string_view key) { return text(fact.name) < key; });
  if (at == files.end() || text(at->name) != component) return std::nullopt;
  return index_of(*at);
}

std::string_view WheelFacts::record_part() const { return section(section_record_part); }

std::vector<EntryPoint> WheelFacts::entry_points() const {
  std::vector<EntryPoint> out;
  for (const EntryRecord& entry : records<EntryRecord>(section_entry_points)) {
    out.push_back(
        {std::string(text(entry.group)), std::string(text(entry.name)), std::string(text(entry.value))});
  }
  return out;
}

std::size_t WheelFacts::startup_count() const noexcept {
  return records<StartupRecord>(section_startup).size();
}

StartupFile WheelFacts::startup(std::size_t index) const {
  const auto all = records<StartupRecord>(section_startup);
  if (index >= all.size()) damaged("a startup file's index is too large");
  const StartupRecord& record = all[index];
  static_cast<void>(file(record.file));
  return {record.file, text(record.text), record.truncated != 0};
}

const InitFact* WheelFacts::init_of(std::uint32_t file) const noexcept {
  const auto at = std::lower_bound(inits_.begin(), inits_.end(), file,
                                   [](const InitFact& init, std::uint32_t key) { return init.file < key; });
  return at == inits_.end() || at->file != file ? nullptr : &*at;
}

std::vector<std::string_view> WheelFacts::import_roots() const { return list(section_import_roots); }

std::size_t WheelFacts::object_count() const noexcept {
  return records<ObjectRecord>(section_objects).size();
}

std::uint32_t WheelFacts::object_file(std::size_t index) const {
  const auto all = records<ObjectRecord>(section_objects);
  if (index >= all.size()) damaged("an object's index is too large");
  static_cast<void>(file(all[index].file));
  return all[index].file;
}

ObjectFacts WheelFacts::object(std::size_t index) const {
  const auto all = records<ObjectRecord>(section_objects);
  if (index >= all.size()) damaged("an object's index is too large");
  const auto data = section(section_object_data);
  const ObjectRecord& record = all[index];
  if (record.offset > data.size() || record.size > data.size() - record.offset)
    damaged("an object lies outside");
  return decode_object(data.substr(record.offset, record.size));
}

std::optional<std::size_t> WheelFacts::object_of(std::uint32_t file) const {
  const auto all = records<ObjectRecord>(section_objects);
  const auto at =
      std::lower_bound(all.begin(), all.end(), file,
                       [](const ObjectRecord& record, std::uint32_t key) { return record.file < key; });
  if (at == all.end() || at->file != file) return std::nullopt;
  return static_cast<std::size_t>(at - all.begin());
}

}  // namespace axle
