#include "support/wheel_writer.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "axle/base/digest.h"
#include "axle/wheel/record.h"

namespace axle::test {
namespace {

constexpr std::uint32_t directory_mode = 040755;

}  // namespace

WheelWriter::WheelWriter(std::string name, std::string version)
    : name_(std::move(name)),
      version_(std::move(version)),
      dist_info_(name_ + "-" + version_ + ".dist-info") {}

WheelWriter& WheelWriter::file(std::string path, std::string content, std::uint32_t unix_mode) {
  const auto found =
      std::find_if(files_.begin(), files_.end(), [&](const auto& item) { return item.first == path; });
  if (found != files_.end()) {
    found->second = {std::move(content), unix_mode};
  } else {
    files_.emplace_back(std::move(path), File{std::move(content), unix_mode});
  }
  return *this;
}

WheelWriter& WheelWriter::directory(std::string path) {
  directories_.push_back(std::move(path));
  return *this;
}
WheelWriter& WheelWriter::without(const std::string& path) {
  removed_.push_back(path);
  return *this;
}
WheelWriter& WheelWriter::metadata(std::string_view line) {
  metadata_lines_ += std::string(line) + "\n";
  return *this;
}
WheelWriter& WheelWriter::entry_points(std::string text) {
  return file(dist_info_ + "/entry_points.txt", std::move(text));
}
WheelWriter& WheelWriter::root_is_purelib(std::string value) {
  purelib_ = std::move(value);
  return *this;
}
WheelWriter& WheelWriter::tag(std::string tag) {
  tag_ = std::move(tag);
  return *this;
}
WheelWriter& WheelWriter::record_row(std::string path, std::string row) {
  rows_[std::move(path)] = std::move(row);
  return *this;
}
WheelWriter& WheelWriter::extra_record_row(std::string row) {
  extra_rows_ += row;
  return *this;
}
WheelWriter& WheelWriter::stored() {
  deflate_ = false;
  return *this;
}

std::string WheelWriter::record(const std::vector<std::pair<std::string, File>>& files) const {
  std::string rows;
  for (const auto& [path, file] : files) {
    const auto edited = rows_.find(path);
    if (edited != rows_.end()) {
      rows += edited->second;
    } else {
      append_record_row(rows, path, Sha256::of(file.content).base64url(), file.content.size());
    }
  }
  return rows + extra_rows_ + dist_info_ + "/RECORD,,\n";
}

std::string WheelWriter::bytes() const {
  WheelWriter all = *this;
  const auto absent = [&](const std::string& path) {
    return std::none_of(files_.begin(), files_.end(), [&](const auto& item) { return item.first == path; });
  };
  if (absent(dist_info_ + "/METADATA")) {
    all.file(dist_info_ + "/METADATA", "Metadata-Version: 2.1\nName: " + name_ + "\nVersion: " + version_ +
                                           "\n" + metadata_lines_ + "\nA test.\n");
  }
  if (absent(dist_info_ + "/WHEEL")) {
    all.file(dist_info_ + "/WHEEL",
             "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: " + purelib_ + "\nTag: " + tag_ + "\n");
  }
  const bool own_record = !absent(dist_info_ + "/RECORD");
  const auto removed = [&](const auto& item) {
    return std::find(removed_.begin(), removed_.end(), item.first) != removed_.end();
  };
  all.files_.erase(std::remove_if(all.files_.begin(), all.files_.end(), removed), all.files_.end());
  const std::pair<std::string, File> record_file{dist_info_ + "/RECORD", File{record(all.files_), 0100644}};
  if (!own_record && !removed(record_file)) all.files_.push_back(record_file);

  Zip zip;
  for (const auto& directory : directories_) {
    ZipItem item;
    item.name = directory + "/";
    item.central.attributes = directory_mode << 16;
    zip.items.push_back(std::move(item));
  }
  for (const auto& [path, file] : all.files_) {
    ZipItem item;
    item.name = path;
    item.data = file.content;
    item.deflate = deflate_;
    item.central.attributes = file.mode << 16;
    zip.items.push_back(std::move(item));
  }
  return zip.bytes();
}

std::string WheelWriter::write_to(const std::string& directory) const {
  const std::string path = directory + "/" + file_name();
  std::ofstream out(path, std::ios::binary);
  const std::string zip = bytes();
  out.write(zip.data(), static_cast<std::streamsize>(zip.size()));
  out.close();
  if (!out) throw std::runtime_error("cannot write " + path);
  return path;
}

}  // namespace axle::test
