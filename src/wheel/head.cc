// What the members of the dist-info tell of a wheel, before anything else is read.

#include <algorithm>
#include <set>

#include "axle/archive/archive.h"
#include "axle/base/error.h"
#include "axle/wheel/dist_info.h"
#include "axle/wheel/inspect.h"
#include "axle/wheel/record.h"
#include "base/text.h"
#include "wheel/header_version.h"
#include "wheel/record_check.h"
#include "wheel/roles.h"

namespace axle {
namespace {

constexpr std::uint64_t max_record = 64U << 20;
constexpr std::uint64_t max_metadata = 16U << 20;
constexpr std::uint64_t max_small = 1U << 20;  // WHEEL, entry_points.txt

class HeadReader {
 public:
  HeadReader(const Archive& archive, const WheelFilename& file_name, std::string_view wheel)
      : archive_(archive), file_name_(file_name) {
    head_.wheel = std::string(wheel);
    head_.file_name = std::string(wheel.substr(wheel.rfind('/') + 1));
    head_.archive_size = archive.file_size();
  }

  WheelHead run() {
    find_dirs();
    // The format's version decides whether the rest means what it seems to mean.
    head_.wheel_file = parse_wheel_file(require("WHEEL", max_small), "WHEEL");
    read_metadata();
    read_entry_points();
    head_.roles = assign_roles(archive_.members(), {head_.dist_info, head_.data_dir, head_.root_scheme()});
    read_record();
    for (const Member& member : archive_.members()) head_.mtimes.push_back(member.mtime);
    head_.notes.insert(head_.notes.begin(), head_.wheel_file.notes.begin(), head_.wheel_file.notes.end());
    head_.notes.insert(head_.notes.end(), head_.metadata.notes.begin(), head_.metadata.notes.end());
    for (Diagnostic& note : head_.notes) note.distribution = file_name_.name;
    return std::move(head_);
  }

 private:
  void find_dirs() {
    std::set<std::string_view> names;
    for (const Member& member : archive_.members()) {
      names.insert(std::string_view(member.name).substr(0, member.name.find('/')));
    }
    const std::vector<std::string_view> roots(names.begin(), names.end());
    head_.dist_info = find_dist_info(roots, file_name_, "");
    head_.data_dir = find_data_dir(roots, file_name_, "");
  }

  // Lives until the next call.
  std::optional<std::string_view> read(std::string_view name, std::uint64_t max_size) {
    const Member* member = archive_.find(head_.dist_info + "/" + std::string(name));
    if (member == nullptr || member->is_directory) return std::nullopt;
    if (member->size > max_size) {
      throw Error(ErrorCode::bad_input, Place{std::string(name)},
                  "is larger than " + std::to_string(max_size >> 20) + " MiB");
    }
    if (member->size <= Archive::max_read_size) return archive_.read(*member, buffer_);
    text_.clear();
    archive_.stream(*member, [&](std::string_view piece) { text_ += piece; });
    return text_;
  }

  std::string_view require(std::string_view name, std::uint64_t max_size) {
    const auto text = read(name, max_size);
    if (!text) {
      throw Error(ErrorCode::bad_input, "has no " + head_.dist_info + "/" + std::string(name),
                  "this archive is no complete wheel");
    }
    return *text;
  }

  void read_metadata() {
    head_.metadata = parse_metadata(require("METADATA", max_metadata), "METADATA");
    Metadata& metadata = head_.metadata;
    if (!matches_filename(metadata.name, metadata.version, file_name_)) {
      throw Error(ErrorCode::bad_input, Place{"METADATA"},
                  "says " + quoted(metadata.name + " " + metadata.version) + ", the file name says " +
                      quoted(file_name_.raw_name + " " + file_name_.raw_version));
    }
    // spec: core metadata 2.4 "License-File": paths below dist-info/licenses.
    const auto version = parse_header_version(metadata.metadata_version);
    if (!version || version->major != 2 || version->minor < 4) return;
    for (const std::string& file : metadata.license_files) {
      if (archive_.find(head_.dist_info + "/licenses/" + file) != nullptr) continue;
      head_.notes.push_back({Severity::warning, "license-file", "", file,
                             "METADATA names the license file " + quoted(file) + ", which the wheel has not",
                             ""});
    }
  }

  void read_entry_points() {
    const auto text = read("entry_points.txt", max_small);
    if (!text) return;
    head_.entry_points = parse_entry_points(*text, "entry_points.txt");
    for (const EntryPoint& entry : head_.entry_points) {
      if (is_script_group(entry.group) && is_reserved_script_name(entry.name)) {
        throw Error(ErrorCode::bad_input, Place{"entry_points.txt"},
                    "entry point " + quoted(entry.name) + " has a name that belongs to the environment",
                    "such a program would replace one of the environment's own");
      }
    }
  }

  void read_record() {
    RecordCheck check =
        check_record(require("RECORD", max_record), archive_.members(), head_.dist_info, "RECORD");
    head_.faults = std::move(check.faults);
    for (std::size_t i = 0; i < head_.roles.size(); ++i)
      head_.roles[i].expected = std::move(check.expected[i]);
  }

  const Archive& archive_;
  const WheelFilename& file_name_;
  WheelHead head_;
  ReadBuffer buffer_;
  std::string text_;  // of a member that is too large for the buffer
};

}  // namespace

WheelHead read_head(const Archive& archive, const WheelFilename& file_name, std::string_view wheel) {
  try {
    return HeadReader(archive, file_name, wheel).run();
  } catch (const Error& error) {
    // The archive's own errors have its name already.
    if (error.place().file.starts_with(archive.name())) throw;
    throw error.within(wheel);
  }
}

}  // namespace axle
