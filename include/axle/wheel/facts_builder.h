#pragma once
// Makes WheelFacts from values: inspection does it, and so do tests, without any archive.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/digest.h"
#include "axle/base/rel_path.h"
#include "axle/wheel/facts.h"
#include "axle/wheel/metadata.h"
#include "axle/wheel/scheme.h"

namespace axle {

// One file, given whole: the flags that its name, scheme and text tell are found out.
struct FileInput {
  std::uint64_t size = 0;
  Sha256 sha256;
  std::uint16_t flags =
      0;  // file_flag bits that only content or the archive tell: executable, native, script_python
  std::int64_t mtime = 315532800;  // 1980-01-01, the first that a zip can say
};

// layout: directories without digests, and no part of RECORD. Enough to tell what lies where, not to plan
// with.
enum class FactsDetail { whole, layout };

// Not thread-safe; build() leaves it as it is.
class FactsBuilder {
 public:
  FactsBuilder();
  ~FactsBuilder();
  FactsBuilder(FactsBuilder&&) noexcept;
  FactsBuilder& operator=(FactsBuilder&&) noexcept;
  // With everything that these facts hold, to add files to it.
  static FactsBuilder from(const WheelFacts& facts);
  // The same but for some files: indices into facts.files(), sorted.
  static FactsBuilder without(const WheelFacts& facts, std::span<const std::uint32_t> files);

  FactsBuilder& name(std::string_view name);        // as METADATA writes it; default "demo"
  FactsBuilder& version(std::string_view version);  // default "1.0"
  // The rest of METADATA; name and version are taken from it too.
  FactsBuilder& metadata(Metadata metadata);
  FactsBuilder& archive(std::string_view file_name, std::uint64_t size, const Sha256& sha256);
  // The tree holds byte-code for this interpreter and has a name of its own in the store. Default: none, and
  // the archive's digest.
  FactsBuilder& byte_code(std::string_view interpreter, const Sha256& store_id);
  FactsBuilder& root_scheme(Scheme scheme);        // purelib (default) or platlib
  FactsBuilder& dist_info(std::string_view name);  // default NAME-VERSION.dist-info
  FactsBuilder& tag(std::string_view tag);
  FactsBuilder& requires_python(std::string_view specifier);
  FactsBuilder& requires_dist(std::string_view requirement);
  FactsBuilder& fault(RecordFault fault);
  FactsBuilder& warning(std::string_view message);
  FactsBuilder& entry_point(std::string_view group, std::string_view name, std::string_view value);

  // `path` must be a RelPath's text. An equal path given again with the same bytes is one file; with other
  // bytes, or against a directory, build() throws Error(bad_input): the wheel contradicts itself.
  FactsBuilder& file(Scheme scheme, std::string_view path, std::string_view content, std::uint16_t flags = 0);
  FactsBuilder& file(Scheme scheme, std::string_view path, const FileInput& input);
  FactsBuilder& file(Scheme scheme, const RelPath& path, const FileInput& input);
  // What was found in the file added last.
  FactsBuilder& startup_text(std::string_view text);  // cut at 64 KiB
  FactsBuilder& init(const InitMeaning& meaning);
  FactsBuilder& object(const ObjectFacts& facts);
  void reserve(std::size_t files);

  // Throws Error(bad_input) as above, Error(unsupported) past 4 GiB of facts.
  WheelFacts build(FactsDetail detail = FactsDetail::whole) const;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

}  // namespace axle
