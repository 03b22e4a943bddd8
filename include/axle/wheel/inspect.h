#pragma once
// From an archive to WheelFacts, in three steps, so that whoever unpacks may do the middle one on many
// threads:
//   read_head       once, from the members of the dist-info alone: all that can be known without the contents
//   inspect_member  for each member, in any order, on any thread, with its bytes (or MemberInspector, in
//   pieces) make_facts      once, with all that the members gave
// Nothing here writes. What makes the wheel unusable is thrown; what RECORD gets wrong is collected as
// faults, which the caller's policy judges (--verify).

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/digest.h"
#include "axle/base/rel_path.h"
#include "axle/object/object_facts.h"
#include "axle/pep/wheel_filename.h"
#include "axle/wheel/entry_points.h"
#include "axle/wheel/facts.h"
#include "axle/wheel/facts_builder.h"
#include "axle/wheel/metadata.h"
#include "axle/wheel/scheme.h"
#include "axle/wheel/wheel_file.h"

namespace axle {

class Archive;  // axle/archive/archive.h

// What RECORD promises of a file.
struct Expectation {
  HashAlgorithm algorithm = HashAlgorithm::sha256;
  std::string digest;  // raw bytes; "" when RECORD has none that proves anything (a fault already)
  std::optional<std::uint64_t> size;
};

// How much of a member's content inspection needs.
enum class Want : std::uint8_t {
  nothing,  // not installed: a directory, RECORD, INSTALLER, ...
  head,     // its first inspect_head_size bytes (and reading at offsets when it is a native object)
  whole,    // all of it, when it is no larger than max_stub_size
};
inline constexpr std::size_t inspect_head_size = 4096;

// What becomes of one member of the archive.
struct MemberRole {
  std::optional<RelPath> path;  // below the scheme's root; nullopt: not installed
  Scheme scheme = Scheme::purelib;
  Want want = Want::nothing;
  bool executable = false;
  bool from_data = false;               // it lies in the wheel's .data directory
  std::optional<Expectation> expected;  // nullopt: RECORD says nothing to compare
};

// What is known of a wheel before anything is unpacked.
struct WheelHead {
  std::string wheel;  // what errors call it
  std::string file_name;
  std::uint64_t archive_size = 0;
  std::string dist_info;                // "demo-1.0.dist-info"
  std::optional<std::string> data_dir;  // "demo-1.0.data"
  Metadata metadata;
  WheelFile wheel_file;
  std::vector<EntryPoint> entry_points;
  std::vector<MemberRole> roles;     // one for each of Archive::members(), in their order
  std::vector<std::int64_t> mtimes;  // likewise, seconds
  std::vector<RecordFault> faults;   // those that need no contents
  Diagnostics notes;

  Scheme root_scheme() const noexcept {
    return wheel_file.root_is_purelib ? Scheme::purelib : Scheme::platlib;
  }
};

// Reads WHEEL, METADATA, RECORD and entry_points.txt. `wheel` is what errors call the archive. Throws Error:
// bad_input for whatever of the wheel is malformed, names other files than its own, or lies on the
// environment's own files; unsupported for newer formats; conflict for another distribution's dist-info
// reached through .data; io.
WheelHead read_head(const Archive& archive, const WheelFilename& file_name, std::string_view wheel);

// What was found in one member.
struct MemberFacts {
  std::uint64_t size = 0;
  Sha256 sha256;
  std::uint16_t flags = 0;
  // Set only where there is something to tell.
  struct Details {
    std::string fault;  // RECORD is wrong about it
    std::optional<InitMeaning> init;
    std::optional<std::string> startup_text;
    std::shared_ptr<const ObjectFacts> object;
  };
  std::unique_ptr<Details> details;
};

// For a member held in memory. `sha256`, when the caller has it already, is not computed again. Thread-safe.
MemberFacts inspect_member(const WheelHead& head, std::size_t member, std::string_view content,
                           const Sha256* sha256 = nullptr);

// The same without the content, where RECORD promises a digest and nothing but that is wanted; nullopt where
// the content must be looked at. Unproven: the caller compares digests when he reads the member. Native
// objects are not recognised.
std::optional<MemberFacts> promised_facts(const WheelHead& head, std::size_t member, std::uint64_t size);

// The same for a member that comes in pieces. One object is for one member.
class MemberInspector {
 public:
  enum class HashedBy { inspector, caller };
  // `head` must outlive it.
  MemberInspector(const WheelHead& head, std::size_t member, HashedBy hashed = HashedBy::inspector);
  MemberInspector(MemberInspector&&) noexcept;
  ~MemberInspector();

  void update(std::string_view piece);
  // `read` is asked only for native objects; without one they are flagged and their facts are left out.
  MemberFacts finish(const ReadAt& read = {});
  // The same, for HashedBy::caller.
  MemberFacts finish(const ReadAt& read, const Sha256& sha256);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Puts all together; `members` has one for each role (of those that are not installed nothing is used).
// Throws Error(bad_input) where the wheel contradicts itself: one path twice with other bytes, a file that is
// a directory too.
WheelFacts make_facts(const WheelHead& head, std::span<const MemberFacts> members, const Sha256& wheel_sha256,
                      FactsDetail detail = FactsDetail::whole);

// All at once on this thread, writing nothing.
WheelFacts inspect_wheel(const Archive& archive, const WheelFilename& file_name, std::string_view wheel,
                         const Sha256& wheel_sha256);

}  // namespace axle
