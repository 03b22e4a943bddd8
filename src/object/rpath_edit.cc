#include "axle/object/rpath_edit.h"

#include <algorithm>
#include <cstring>

#include "axle/base/error.h"
#include "base/text.h"
#include "object/elf_edit.h"
#include "object/macho_edit.h"
#include "object/source.h"

namespace axle {

namespace {

bool has(const std::vector<std::string>& list, const std::string& entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}

void check_entries(const ObjectFacts& facts, const RpathEdit& edit) {
  const bool is_elf = facts.format == ObjectFacts::Format::elf;
  constexpr std::size_t max_length = 32768;  // glibc and dyld read more, but no path of a system is longer
  std::size_t length = 0;
  for (const std::string& entry : edit.entries) {
    length += entry.size() + 1;
    if (entry.find('\0') != std::string::npos || (is_elf && entry.find(':') != std::string::npos)) {
      throw Error(ErrorCode::bad_input,
                  "the entry " + quoted(entry) + " cannot be held by a list of directories");
    }
    if (!is_elf && entry.empty())
      throw Error(ErrorCode::bad_input, "an empty entry has no meaning in Mach-O");
  }
  if (length > max_length)
    throw Error(ErrorCode::bad_input, "the list of directories is longer than any loader reads");
  if (is_elf && (edit.install_name || !edit.needed.empty())) {
    throw Error(ErrorCode::unsupported, "names of libraries are only edited in Mach-O objects");
  }
}

// The file as it will be, for reading it again.
ReadAt read_edited(const ReadAt& read, std::uint64_t size, const EditPlan& plan) {
  return [&read, size, &plan](std::uint64_t offset, char* into, std::size_t length) {
    if (offset > plan.size || length > plan.size - offset) return false;
    std::memset(into, 0, length);
    if (offset < size &&
        !read(offset, into, static_cast<std::size_t>(std::min<std::uint64_t>(length, size - offset)))) {
      return false;
    }
    for (const BytePatch& patch : plan.patches) {
      const std::uint64_t from = std::max(offset, patch.offset);
      const std::uint64_t to = std::min<std::uint64_t>(offset + length, patch.offset + patch.bytes.size());
      if (from < to) {
        std::memcpy(into + (from - offset), patch.bytes.data() + (from - patch.offset),
                    static_cast<std::size_t>(to - from));
      }
    }
    return true;
  };
}

// An edit that does not read back as what was asked for, and otherwise as before, is not given out.
void check_result(const ReadAt& read, std::uint64_t size, const EditPlan& plan, ObjectFacts before,
                  const RpathEdit& edit) {
  auto after = read_object(read_edited(read, size, plan), plan.size);
  const bool holds = after && after->error.empty() &&
                     (edit.entries.empty() || rpath_entries(*after) == edit.entries ||
                      // Mach-O: facts list a directory once.
                      after->format == ObjectFacts::Format::macho);
  for (ObjectFacts* facts : {&before, after ? &*after : &before}) {
    facts->rpath.reset();
    facts->runpath.reset();
    facts->rpaths.clear();
    if (edit.install_name) facts->soname.clear();
    if (!edit.needed.empty()) {
      facts->needed.clear();
      facts->weak_needed.clear();
      facts->delay_needed.clear();
    }
  }
  if (!holds || *after != before)
    throw Error(ErrorCode::unsupported, "the edited object would not read back as it should");
}

}  // namespace

std::vector<std::string> rpath_entries(const ObjectFacts& facts) {
  if (facts.format != ObjectFacts::Format::elf) return facts.rpaths;
  const std::optional<std::string>& list = facts.runpath ? facts.runpath : facts.rpath;
  std::vector<std::string> entries;
  if (!list || list->empty()) return entries;
  for (const std::string_view entry : split(*list, ':')) entries.emplace_back(entry);
  return entries;
}

std::vector<std::string> add_rpaths(std::vector<std::string> entries, const std::vector<std::string>& added) {
  for (const std::string& entry : added) {
    if (!has(entries, entry)) entries.push_back(entry);
  }
  return entries;
}

std::vector<std::string> remove_rpaths(std::vector<std::string> entries,
                                       const std::vector<std::string>& removed) {
  std::erase_if(entries, [&](const std::string& entry) { return has(removed, entry); });
  return entries;
}

std::vector<std::string> shrink_rpaths(const ObjectFacts& facts, std::string_view origin,
                                       const std::function<bool(const std::string& path)>& exists) {
  std::vector<std::string> missing;
  for (const std::string& name : facts.needed) {
    if (facts.format == ObjectFacts::Format::elf ? name.find('/') == std::string::npos
                                                 : name.starts_with("@rpath/")) {
      missing.push_back(facts.format == ObjectFacts::Format::elf ? name
                                                                 : name.substr(std::strlen("@rpath/")));
    }
  }
  std::vector<std::string> kept;
  for (const std::string& entry : rpath_entries(facts)) {
    std::string directory = entry;
    for (const std::string_view token : {"$ORIGIN", "${ORIGIN}", "@loader_path"}) {
      for (std::size_t at = directory.find(token); at != std::string::npos;
           at = directory.find(token, at + origin.size())) {
        directory.replace(at, token.size(), origin);
      }
    }
    if (directory.find_first_of("$@") != std::string::npos) {
      kept.push_back(entry);
      continue;
    }
    const std::size_t found =
        std::erase_if(missing, [&](const std::string& name) { return exists(directory + '/' + name); });
    if (found > 0) kept.push_back(entry);
  }
  return kept;
}

EditPlan plan_rpath_edit(const ReadAt& read, std::uint64_t size, const RpathEdit& edit) {
  const auto facts = read_object(read, size);
  if (!facts) throw Error(ErrorCode::unsupported, "it is not a native object");
  if (!facts->error.empty()) throw Error(ErrorCode::unsupported, "it is damaged: " + facts->error);
  if (facts->format == ObjectFacts::Format::pe) {
    throw Error(ErrorCode::unsupported, "Windows has no rpaths",
                "call os.add_dll_directory before the import");
  }
  check_entries(*facts, edit);
  object::Source source(read, size);
  EditPlan plan;
  try {
    plan = facts->format == ObjectFacts::Format::elf ? object::plan_elf_edit(source, edit)
                                                     : object::plan_macho_edit(source, edit);
  } catch (const object::Damage& damage) {
    throw Error(ErrorCode::unsupported, "it is damaged: " + damage.what);
  }
  check_result(read, size, plan, *facts, edit);
  return plan;
}

EditPlan plan_rpath_edit(std::string_view content, const RpathEdit& edit) {
  const ReadAt read = [content](std::uint64_t offset, char* into, std::size_t length) {
    if (offset > content.size() || length > content.size() - offset) return false;
    std::memcpy(into, content.data() + offset, length);
    return true;
  };
  return plan_rpath_edit(read, content.size(), edit);
}

std::string apply_edit(const EditPlan& plan, std::string_view content) {
  std::string bytes(content);
  bytes.resize(static_cast<std::size_t>(plan.size), '\0');
  for (const BytePatch& patch : plan.patches) {
    bytes.replace(static_cast<std::size_t>(patch.offset), patch.bytes.size(), patch.bytes);
  }
  return bytes;
}

}  // namespace axle
