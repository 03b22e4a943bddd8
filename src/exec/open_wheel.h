#pragma once
// One wheel of a WheelSet on its way to being open: its archive is hashed, audited and read as far as its
// facts need. Hashing and reading may happen on two threads.

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "axle/archive/archive.h"
#include "axle/wheel/inspect.h"
#include "exec/wheel_set.h"

namespace axle {

constexpr std::uint32_t no_member = 0xffffffff;

// A wheel as it is opened.
struct Opening {
  const WheelSource* source = nullptr;
  std::optional<Archive> archive;
  WheelHead head;
  std::vector<MemberFacts> members;
  Sha256 sha256;
  std::optional<WheelFacts> facts;
  std::vector<std::uint32_t> member_of_file;      // or no_member
  bool proven = false;                            // the facts come from contents, not from RECORD's promises
  std::unique_ptr<std::atomic<bool>[]> compared;  // unless proven: files that were found to be as promised
  std::exception_ptr hash_failure;
  std::exception_ptr failure;
  // The archive is opened when it is read: until then there is neither archive nor member_of_file.
  bool is_late = false;
  bool is_hashed = false;  // of a late one: `sha256` is there, and was compared
  std::atomic<bool> is_opened{false};
  std::mutex mutex;
};

// Makes `sha256`, and compares it with what is expected, unless the level is none.
void hash_archive(Opening& wheel, VerifyLevel verify);
// Two take little longer than one.
void hash_archives(Opening& first, Opening& second, VerifyLevel verify);

// Opens the archive; gets what facts can be had before its digest is known.
void read_wheel(Opening& wheel, const Store* store, FactsFrom from);
// The rest, when it is.
void finish_wheel(Opening& wheel, const WheelSetOptions& options);

// Facts that are known by a pinned hash alone; nullopt: the archive must be read for them.
std::optional<WheelFacts> known_facts(const WheelSource& source, const Store* store,
                                      const WheelSetOptions& options);
// Opens the archive of a wheel whose facts were known. False when it is not theirs.
bool open_late(Opening& wheel, VerifyLevel verify);

}  // namespace axle
