#include "exec/entry_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <stdexcept>

#include "axle/base/error.h"
#include "axle/object/rpath_edit.h"
#include "base/parallel.h"
#include "exec/damage.h"
#include "plan/launcher_scripts.h"

namespace axle {
namespace {

const FileFact& fact_of(const Plan& plan, const StoreFile& file) {
  return plan.dists[file.wheel].facts.file(file.file);
}

// Everything that the bytes of a derived object depend on, and how it looks.
Sha256 key_of(const FileFact& fact, const Patched& object) {
  std::string text = "rpaths " + std::to_string(rpath_edit_version) + "\n" + fact.sha256.hex() + "\n" +
                     std::to_string(fact.mtime) + (fact.has(file_flag::executable) ? " x\n" : "\n");
  for (const std::string& rpath : object.rpaths) text += std::to_string(rpath.size()) + ":" + rpath;
  return Sha256::of(text);
}

EditPlan plan_edit(const Entry& entry, const Patched& object, const ReadAt& read, std::uint64_t size) {
  RpathEdit edit;
  edit.entries = object.rpaths;
  try {
    return plan_rpath_edit(read, size, edit);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    throw Error(ErrorCode::unsupported, Place{entry.path.str()},
                "cannot be given other rpaths: " + error.message(),
                "--rpath auto leaves it as it is; --exclude leaves its distribution out");
  }
}

EditPlan plan_edit(const Entry& entry, const Patched& object, const Fd& from, std::uint64_t whole) {
  const std::string path = entry.path.str();
  const ReadAt read = [&](std::uint64_t offset, char* into, std::size_t size) {
    if (offset > whole || size > whole - offset) return false;
    pread_exactly(from, into, size, offset, path);
    return true;
  };
  return plan_edit(entry, object, read, whole);
}

Fd open_original(const Plan& plan, const StoreFile& file, const Trees& trees) {
  const std::string path = path_of_file(trees[file.wheel], plan.dists[file.wheel].facts, file.file);
  auto from = try_open_file(trees[file.wheel].dir, path);
  if (!from) store_is_damaged(path);
  return std::move(*from);
}

std::string rewritten_bytes(const Plan& plan, const Rewritten& script, const Trees& trees) {
  const DistTree& tree = trees[script.from.wheel];
  const std::string path = path_of_file(tree, plan.dists[script.from.wheel].facts, script.from.file);
  const auto content = try_read_file(tree.dir, path);
  if (!content) store_is_damaged(path);
  const ScriptInterpreter interpreter{script.interpreter, plan.policy.relocatable == Relocatable::yes,
                                      plan.layout.os};
  return rewrite_script(*content, interpreter).value_or(*content);
}

std::string patched_bytes(const Entry& entry, std::string_view original) {
  const ReadAt read = [&](std::uint64_t offset, char* into, std::size_t size) {
    if (offset > original.size() || size > original.size() - offset) return false;
    original.copy(into, size, static_cast<std::size_t>(offset));
    return true;
  };
  return apply_edit(plan_edit(entry, std::get<Patched>(entry.content), read, original.size()), original);
}

}  // namespace

bool has_own_bytes(const Content& content) noexcept {
  return std::holds_alternative<Generated>(content) || std::holds_alternative<Rewritten>(content) ||
         std::holds_alternative<Patched>(content);
}

DerivedFile patched_file(const Plan& plan, const Entry& entry, const Trees& trees, const Store& kept) {
  const auto& object = std::get<Patched>(entry.content);
  const FileFact& fact = fact_of(plan, object.from);
  const Sha256 key = key_of(fact, object);
  if (auto known = find_derived(kept, key)) {
    FileFact as_made = fact;
    as_made.size = known->size;
    const auto status = try_lstat(kept.root().get(), known->path);
    if (status && looks_unpacked(*status, as_made)) return *known;
    remove_derived(kept, key);  // somebody wrote into it through a link
  }
  const Fd from = open_original(plan, object.from, trees);
  const EditPlan edit = plan_edit(entry, object, from, fact.size);
  const DerivedLook look{fact.has(file_flag::executable), fact.mtime * 1'000'000'000};
  return make_derived(kept, key, plan.dists[object.from.wheel].facts.store_id(), look,
                      [&](const Fd& into) { apply_edit(edit, from.get(), into.get(), entry.path.str()); });
}

OwnBytes entry_bytes(const Plan& plan, const Entry& entry, const Trees& trees, const Store* kept) {
  if (const auto* generated = std::get_if<Generated>(&entry.content))
    return OwnBytes(std::string_view(generated->bytes));
  if (const auto* script = std::get_if<Rewritten>(&entry.content))
    return OwnBytes(rewritten_bytes(plan, *script, trees));
  const auto* object = std::get_if<Patched>(&entry.content);
  if (object == nullptr) throw std::logic_error(entry.path.str() + " has no bytes of its own");
  if (kept != nullptr)
    return OwnBytes(MappedFile::open(kept->root().get(), patched_file(plan, entry, trees, *kept).path));
  const Fd from = open_original(plan, object->from, trees);
  return OwnBytes(patched_bytes(entry, MappedFile::map(from, entry.path.str()).bytes()));
}

void patch_object(const Entry& entry, const Fd& original, const Fd& into) {
  struct stat status {};
  if (fstat(original.get(), &status) != 0) throw_errno("cannot look at", entry.path.str());
  const EditPlan edit = plan_edit(entry, std::get<Patched>(entry.content), original,
                                  static_cast<std::uint64_t>(status.st_size));
  apply_edit(edit, original.get(), into.get(), entry.path.str());
}

WrittenFile measure_entry(const Plan& plan, const Entry& entry, const Trees& trees, const Store* kept) {
  if (std::holds_alternative<Patched>(entry.content) && kept != nullptr) {
    const DerivedFile file = patched_file(plan, entry, trees, *kept);
    return {file.sha256, file.size};
  }
  const OwnBytes bytes = entry_bytes(plan, entry, trees, kept);
  return {Sha256::of(bytes.view()), bytes.view().size()};
}

void prepare_patched(const Plan& plan, const std::vector<Entry>& entries, const Trees& trees,
                     const Store& kept, unsigned jobs) {
  std::vector<const Entry*> patched;
  for (const Entry& entry : entries) {
    if (std::holds_alternative<Patched>(entry.content)) patched.push_back(&entry);
  }
  parallel_for(patched.size(), jobs, [&](std::size_t i) { patched_file(plan, *patched[i], trees, kept); });
}

void require_editable(const Plan& plan, const Trees& trees) {
  for (const Entry& entry : plan.entries) {
    const auto* object = std::get_if<Patched>(&entry.content);
    if (object == nullptr) continue;
    plan_edit(entry, *object, open_original(plan, object->from, trees), fact_of(plan, object->from).size);
  }
}

}  // namespace axle
