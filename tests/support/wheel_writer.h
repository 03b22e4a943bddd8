#pragma once
// Wheels from text, for tests.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/zip_writer.h"

namespace axle::test {

// A wheel demo-1.0-py3-none-any.whl that is right in all that is not said. The calls may be chained.
class WheelWriter {
 public:
  explicit WheelWriter(std::string name = "demo", std::string version = "1.0");

  // A file of the archive, by its path in it ("demo/__init__.py", "demo-1.0.data/scripts/x"). An existing one
  // is replaced; METADATA, WHEEL and RECORD of the dist-info can be replaced too.
  WheelWriter& file(std::string path, std::string content, std::uint32_t unix_mode = 0100644);
  WheelWriter& directory(std::string path);
  WheelWriter& without(const std::string& path);
  // Lines behind Name and Version in METADATA: "Requires-Dist: a".
  WheelWriter& metadata(std::string_view line);
  WheelWriter& entry_points(std::string text);
  WheelWriter& root_is_purelib(std::string value);  // as WHEEL writes it
  WheelWriter& tag(std::string tag);                // default "py3-none-any"
  // Row edits, after the right rows were made: the row of `path` is replaced by `row` (with line end; ""
  // removes it).
  WheelWriter& record_row(std::string path, std::string row);
  WheelWriter& extra_record_row(std::string row);
  WheelWriter& stored();  // nothing is deflated

  const std::string& dist_info() const { return dist_info_; }
  std::string data_dir() const { return name_ + "-" + version_ + ".data"; }
  std::string file_name() const { return name_ + "-" + version_ + "-" + tag_ + ".whl"; }

  std::string bytes() const;
  // Writes it to `directory` and gives its path.
  std::string write_to(const std::string& directory) const;

 private:
  struct File {
    std::string content;
    std::uint32_t mode;
  };
  std::string record(const std::vector<std::pair<std::string, File>>& files) const;

  std::string name_, version_, dist_info_;
  std::string tag_ = "py3-none-any";
  std::string purelib_ = "true";
  std::string metadata_lines_;
  std::vector<std::pair<std::string, File>> files_;  // in the order given
  std::vector<std::string> directories_;
  std::vector<std::string> removed_;
  std::map<std::string, std::string> rows_;
  std::string extra_rows_;
  bool deflate_ = true;
};

}  // namespace axle::test
