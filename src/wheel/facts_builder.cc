#include "axle/wheel/facts_builder.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "axle/pep/name.h"
#include "axle/wheel/record.h"
#include "base/text.h"
#include "wheel/facts_model.h"

namespace axle {
namespace {

// The flags that a path alone tells.
std::uint16_t flags_of_path(Scheme scheme, std::string_view path, std::string_view name) noexcept {
  unsigned flags = 0;
  if (scheme == Scheme::scripts) flags |= file_flag::executable;
  if (name.ends_with(".pyc")) flags |= file_flag::pyc;
  if (name.ends_with(".py")) flags |= file_flag::python;
  if (name == "__init__.py") flags |= file_flag::init;
  if (is_lib(scheme)) {
    // spec: CPython Lib/site.py: files in a site directory itself; sitecustomize and usercustomize as modules
    // or packages of any kind.
    const bool at_root = name.size() == path.size();
    const auto top = path.substr(0, path.find_first_of("./"));
    const bool customize = top == "sitecustomize" || top == "usercustomize";
    if (at_root && (name.ends_with(".pth") || name.ends_with(".start"))) flags |= file_flag::startup;
    if (customize && (at_root || path.substr(top.size()).starts_with("/__init__.")))
      flags |= file_flag::startup;
  }
  return static_cast<std::uint16_t>(flags);
}

// Puts sections behind the header, each at a multiple of 8.
class FileWriter {
 public:
  explicit FileWriter(std::size_t expected_size) {
    bytes_.reserve(expected_size);
    bytes_.resize(sizeof(FactsHeader));
    std::memcpy(header_.magic, facts_magic, sizeof facts_magic);
    header_.version = facts_version;
    header_.section_count = facts_section_count;
  }

  void put(unsigned id, std::string_view bytes) {
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    header_.sections[id] = {bytes_.size(), bytes.size()};
    bytes_ += bytes;
  }
  template <class Record>
  void put(unsigned id, const std::vector<Record>& records) {
    put(id, std::string_view(reinterpret_cast<const char*>(records.data()), records.size() * sizeof(Record)));
  }
  std::string finish() {
    header_.total_size = bytes_.size();
    std::memcpy(bytes_.data(), &header_, sizeof header_);
    return std::move(bytes_);
  }

 private:
  FactsHeader header_{};
  std::string bytes_;
};

template <class Texts>
std::vector<TextRef> refs(TextPool& pool, const Texts& texts) {
  std::vector<TextRef> out;
  for (const auto& text : texts) out.push_back(pool.add(text));
  return out;
}

std::string record_part(const FactsModel& model, const FactsTree& tree) {
  std::vector<const ModelFile*> files;
  for (const std::uint32_t source : tree.source) {
    if (is_lib(model.files[source].scheme)) files.push_back(&model.files[source]);
  }
  const auto before = [](const ModelFile* a, const ModelFile* b) { return a->path < b->path; };
  std::sort(files.begin(), files.end(), before);
  std::string out;
  out.reserve(files.size() * 120);
  const ModelFile* last = nullptr;
  for (const ModelFile* file : files) {
    if (last != nullptr && last->path == file->path) continue;
    append_record_row(out, file->path, file->sha256.base64url(), file->size);
    last = file;
  }
  return out;
}

// Items of the model by the file they are about, in the order of the tree; of a file given twice the first.
template <class Item>
std::vector<std::pair<std::uint32_t, const Item*>> by_place(
    const std::vector<std::pair<std::uint32_t, Item>>& items, const FactsTree& tree) {
  std::vector<std::pair<std::uint32_t, const Item*>> out;
  for (const auto& [source, item] : items) out.emplace_back(tree.place[source], &item);
  const auto before = [](const auto& a, const auto& b) { return a.first < b.first; };
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  std::stable_sort(out.begin(), out.end(), before);
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  return out;
}

}  // namespace

struct FactsBuilder::Model : FactsModel {};

TextRef TextPool::add(std::string_view text) {
  if (text.empty()) return {};
  Known& known = cache_[std::hash<std::string_view>{}(text) % cache_.size()];
  if (known.text != text) {
    if (bytes_.size() + text.size() > 0xffffffffU) {
      throw Error(ErrorCode::unsupported, "the facts of this wheel would take more than 4 GiB");
    }
    known.text = text;
    known.ref = {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(text.size())};
    bytes_ += text;
  }
  return known.ref;
}

FactsBuilder::FactsBuilder() : model_(std::make_unique<Model>()) {
  model_->metadata.name = "demo";
  model_->metadata.version = "1.0";
}
FactsBuilder::~FactsBuilder() = default;
FactsBuilder::FactsBuilder(FactsBuilder&&) noexcept = default;
FactsBuilder& FactsBuilder::operator=(FactsBuilder&&) noexcept = default;

FactsBuilder FactsBuilder::from(const WheelFacts& facts) { return without(facts, {}); }

FactsBuilder FactsBuilder::without(const WheelFacts& facts, std::span<const std::uint32_t> files) {
  FactsBuilder builder;
  FactsModel& model = *builder.model_;
  const auto strings = [](const std::vector<std::string_view>& views) {
    return std::vector<std::string>(views.begin(), views.end());
  };
  Metadata& metadata = model.metadata;
  metadata.name = std::string(facts.name());
  metadata.version = std::string(facts.version());
  metadata.summary = std::string(facts.summary());
  metadata.license = std::string(facts.license());
  metadata.license_expression = std::string(facts.license_expression());
  metadata.license_files = strings(facts.license_files());
  metadata.license_classifiers = strings(facts.license_classifiers());
  metadata.requires_dist = strings(facts.requires_dist());
  if (const auto specifier = facts.requires_python()) metadata.requires_python = std::string(*specifier);
  metadata.provides_extra = strings(facts.provides_extra());
  metadata.import_names = strings(facts.import_names());
  metadata.import_namespaces = strings(facts.import_namespaces());
  metadata.project_urls = strings(facts.project_urls());
  metadata.author = std::string(facts.author());
  model.file_name = std::string(facts.file_name());
  model.archive_size = facts.archive_size();
  model.wheel_sha256 = facts.wheel_sha256();
  model.store_id = facts.store_id();
  model.byte_code = std::string(facts.byte_code());
  model.root_scheme = facts.root_scheme();
  model.dist_info = std::string(facts.dist_info());
  model.tags = strings(facts.tags());
  model.faults = facts.record_faults();
  model.warnings = strings(facts.warnings());
  model.entry_points = facts.entry_points();
  // What is known of a file goes to where it is now.
  constexpr std::uint32_t gone = ~std::uint32_t{0};
  std::vector<std::uint32_t> now(facts.files().size(), gone);
  for (std::uint32_t index = 0; index < now.size(); ++index) {
    if (std::binary_search(files.begin(), files.end(), index)) continue;
    now[index] = static_cast<std::uint32_t>(model.files.size());
    const FileFact& file = facts.file(index);
    builder.file(facts.scheme_of(file), facts.path_of(index),
                 FileInput{file.size, file.sha256, file.flags, file.mtime});
  }
  const auto add = [&](auto& list, std::uint32_t file, auto&& value) {
    if (now.at(file) != gone) list.emplace_back(now[file], std::forward<decltype(value)>(value));
  };
  for (std::size_t i = 0; i < facts.startup_count(); ++i) {
    const StartupFile startup = facts.startup(i);
    add(model.startups, startup.file, FactsModel::Startup{std::string(startup.text), startup.truncated});
  }
  for (const InitFact& init : facts.inits()) {
    add(model.inits, init.file, InitMeaning{init.kind, init.token_digest});
  }
  for (std::size_t i = 0; i < facts.object_count(); ++i) {
    add(model.objects, facts.object_file(i), facts.object(i));
  }
  return builder;
}

FactsBuilder& FactsBuilder::name(std::string_view name) {
  model_->metadata.name = std::string(name);
  return *this;
}
FactsBuilder& FactsBuilder::version(std::string_view version) {
  model_->metadata.version = std::string(version);
  return *this;
}
FactsBuilder& FactsBuilder::metadata(Metadata metadata) {
  model_->metadata = std::move(metadata);
  return *this;
}
FactsBuilder& FactsBuilder::archive(std::string_view file_name, std::uint64_t size, const Sha256& sha256) {
  model_->file_name = std::string(file_name);
  model_->archive_size = size;
  model_->wheel_sha256 = sha256;
  return *this;
}
FactsBuilder& FactsBuilder::byte_code(std::string_view interpreter, const Sha256& store_id) {
  model_->byte_code = std::string(interpreter);
  model_->store_id = store_id;
  return *this;
}
FactsBuilder& FactsBuilder::root_scheme(Scheme scheme) {
  model_->root_scheme = scheme;
  return *this;
}
FactsBuilder& FactsBuilder::dist_info(std::string_view name) {
  model_->dist_info = std::string(name);
  return *this;
}
FactsBuilder& FactsBuilder::tag(std::string_view tag) {
  model_->tags.emplace_back(tag);
  return *this;
}
FactsBuilder& FactsBuilder::requires_python(std::string_view specifier) {
  model_->metadata.requires_python = std::string(specifier);
  return *this;
}
FactsBuilder& FactsBuilder::requires_dist(std::string_view requirement) {
  model_->metadata.requires_dist.emplace_back(requirement);
  return *this;
}
FactsBuilder& FactsBuilder::fault(RecordFault fault) {
  model_->faults.push_back(std::move(fault));
  return *this;
}
FactsBuilder& FactsBuilder::warning(std::string_view message) {
  model_->warnings.emplace_back(message);
  return *this;
}
FactsBuilder& FactsBuilder::entry_point(std::string_view group, std::string_view name,
                                        std::string_view value) {
  model_->entry_points.push_back({std::string(group), std::string(name), std::string(value)});
  return *this;
}

FactsBuilder& FactsBuilder::file(Scheme scheme, std::string_view path, const FileInput& input) {
  return file(scheme, RelPath::parse(path), input);
}

FactsBuilder& FactsBuilder::file(Scheme scheme, const RelPath& path, const FileInput& input) {
  const std::string_view name = path.name();
  const auto flags = static_cast<std::uint16_t>(input.flags | flags_of_path(scheme, path.str(), name));
  const auto name_start = static_cast<std::uint32_t>(path.str().size() - name.size());
  model_->files.push_back({scheme, flags, name_start, path.str(), input.size, input.mtime, input.sha256});
  return *this;
}

FactsBuilder& FactsBuilder::file(Scheme scheme, std::string_view path, std::string_view content,
                                 std::uint16_t flags) {
  if (scheme == Scheme::scripts && content.starts_with("#!python")) flags |= file_flag::script_python;
  file(scheme, path, FileInput{content.size(), Sha256::of(content), flags});
  const ModelFile& added = model_->files.back();
  if ((added.flags & file_flag::init) != 0 && is_lib(scheme)) init(classify_init(content));
  if ((added.flags & file_flag::startup) != 0) startup_text(content);
  return *this;
}

FactsBuilder& FactsBuilder::startup_text(std::string_view text) {
  const auto index = static_cast<std::uint32_t>(model_->files.size() - 1);
  const bool cut = text.size() > max_startup_text;
  model_->startups.emplace_back(index,
                                FactsModel::Startup{std::string(text.substr(0, max_startup_text)), cut});
  return *this;
}

FactsBuilder& FactsBuilder::init(const InitMeaning& meaning) {
  if (meaning.kind == InitKind::regular) return *this;
  model_->inits.emplace_back(static_cast<std::uint32_t>(model_->files.size() - 1), meaning);
  return *this;
}

FactsBuilder& FactsBuilder::object(const ObjectFacts& facts) {
  model_->files.back().flags |= file_flag::native;
  model_->objects.emplace_back(static_cast<std::uint32_t>(model_->files.size() - 1), facts);
  return *this;
}

void FactsBuilder::reserve(std::size_t files) { model_->files.reserve(files); }

WheelFacts FactsBuilder::build(FactsDetail detail) const {
  const FactsModel& model = *model_;
  const Metadata& metadata = model.metadata;
  const std::string normalized = normalize_name(metadata.name);
  const std::string dist_info =
      model.dist_info.empty() ? metadata.name + "-" + metadata.version + ".dist-info" : model.dist_info;
  TextPool pool(model.files.size());
  const bool whole = detail == FactsDetail::whole;
  FactsTree tree = make_tree(model, dist_info, pool);
  if (whole) add_digests(tree, model);
  const std::string rows = whole ? record_part(model, tree) : std::string();
  FileWriter out(tree.files.size() * sizeof(FileFact) + tree.dirs.size() * sizeof(DirFact) + rows.size() +
                 pool.bytes().size() + (64U << 10));

  FactsHead head;
  head.wheel_sha256 = model.wheel_sha256;
  head.store_id = model.store_id.value_or(model.wheel_sha256);
  head.byte_code = pool.add(model.byte_code);
  head.archive_size = model.archive_size;
  head.file_name = pool.add(model.file_name);
  head.name = pool.add(metadata.name);
  head.normalized = pool.add(normalized);
  head.version = pool.add(metadata.version);
  if (metadata.requires_python) head.requires_python = pool.add(*metadata.requires_python);
  head.has_requires_python = metadata.requires_python ? 1 : 0;
  head.summary = pool.add(metadata.summary);
  head.license = pool.add(metadata.license);
  head.license_expression = pool.add(metadata.license_expression);
  head.author = pool.add(metadata.author);
  head.dist_info = pool.add(dist_info);
  head.root_is_purelib = model.root_scheme == Scheme::purelib ? 1 : 0;
  std::copy(tree.roots.begin(), tree.roots.end(), head.roots);
  out.put(section_head, std::string_view(reinterpret_cast<const char*>(&head), sizeof head));
  out.put(section_dirs, tree.dirs);
  out.put(section_files, tree.files);

  std::vector<InitFact> inits;
  for (const auto& [file, meaning] : by_place(model.inits, tree)) {
    inits.push_back({file, meaning->kind, {}, meaning->token_digest});
  }
  out.put(section_inits, inits);
  std::vector<StartupRecord> startups;
  for (const auto& [file, startup] : by_place(model.startups, tree)) {
    startups.push_back({file, startup->truncated ? 1U : 0U, pool.add(startup->text)});
  }
  out.put(section_startup, startups);
  std::vector<ObjectRecord> objects;
  std::string object_data;
  for (const auto& [file, facts] : by_place(model.objects, tree)) {
    const std::string encoded = encode_object(*facts);
    objects.push_back({file, static_cast<std::uint32_t>(encoded.size()), object_data.size()});
    object_data += encoded;
  }
  out.put(section_objects, objects);
  out.put(section_object_data, object_data);

  std::vector<EntryRecord> entries;
  for (const EntryPoint& entry : model.entry_points) {
    entries.push_back({pool.add(entry.group), pool.add(entry.name), pool.add(entry.value)});
  }
  out.put(section_entry_points, entries);
  auto faults = model.faults;
  std::sort(faults.begin(), faults.end(), [](const RecordFault& a, const RecordFault& b) {
    return a.path != b.path ? a.path < b.path : a.what < b.what;
  });
  std::vector<FaultRecord> fault_records;
  for (const RecordFault& fault : faults)
    fault_records.push_back({pool.add(fault.path), pool.add(fault.what)});
  out.put(section_faults, fault_records);

  out.put(section_import_roots, refs(pool, tree.import_roots));
  out.put(section_requires_dist, refs(pool, metadata.requires_dist));
  out.put(section_provides_extra, refs(pool, metadata.provides_extra));
  out.put(section_license_classifiers, refs(pool, metadata.license_classifiers));
  out.put(section_license_files, refs(pool, metadata.license_files));
  out.put(section_import_names, refs(pool, metadata.import_names));
  out.put(section_import_namespaces, refs(pool, metadata.import_namespaces));
  out.put(section_project_urls, refs(pool, metadata.project_urls));
  out.put(section_tags, refs(pool, model.tags));
  out.put(section_warnings, refs(pool, model.warnings));
  out.put(section_record_part, rows);
  out.put(section_text, pool.bytes());
  return WheelFacts::open(out.finish(), model.file_name);
}

}  // namespace axle
