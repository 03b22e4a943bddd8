// From sources to facts: what the store has already, and what must be unpacked.

#include "store/ensure.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "axle/base/error.h"

namespace axle {
namespace {

// Bytes to be worked through, of which two processors do some 700 KB in a millisecond. The one lasts until a
// near server answers, the other until a large wheel is here as well.
constexpr std::uint64_t little = 4 << 20;
constexpr std::uint64_t plenty = 40 << 20;

}  // namespace

void judge_record(const WheelFacts& facts, const WheelSource& source, VerifyLevel level, Diagnostics& notes) {
  if (facts.record_ok() || level == VerifyLevel::archive || level == VerifyLevel::none) return;
  const bool pinned = !source.hashes.empty();
  std::string text = "RECORD is wrong about ";
  const std::vector<RecordFault> faults = facts.record_faults();
  constexpr std::size_t max_shown = 5;
  for (std::size_t i = 0; i < faults.size() && i < max_shown; ++i) {
    text += (i == 0 ? "" : "; ") + faults[i].path + " (" + faults[i].what + ")";
  }
  if (faults.size() > max_shown) text += "; and " + std::to_string(faults.size() - max_shown) + " more";
  if (level == VerifyLevel::record && pinned) {
    notes.push_back({Severity::warning, "record-wrong", std::string(facts.normalized()),
                     std::string(facts.file_name()), text, "the archive's own hash was pinned and matches"});
    return;
  }
  throw Error(ErrorCode::integrity, Place{source.file_name}, text,
              pinned ? "--verify record accepts it, since its hash is pinned"
                     : "pin the archive's hash, or accept it with --verify archive");
}

Intake::Intake(Store& store, std::size_t count, const StoreOptions& options, const Store::Progress& progress,
               unsigned helpers)
    : store_(store),
      options_(options),
      rows_(count),
      index_(store.root()),
      unpacking_(store.root(), {options.verify, options.jobs, store.use(), progress, std::nullopt}, helpers) {
}

bool Intake::is_there(std::size_t index, const WheelSource& source) {
  rows_[index].source = source;
  auto known = store_.find(source);
  if (!known) return false;
  if (source.size && *source.size != known->archive_size()) {
    throw Error(ErrorCode::integrity, Place{source.file_name},
                "has " + std::to_string(known->archive_size()) + " bytes, the lock says " +
                    std::to_string(*source.size),
                "the lock contradicts itself about this file: lock again");
  }
  rows_[index].facts = std::move(known);
  return true;
}

void Intake::add(std::size_t index, const WheelSource& source) {
  if (is_there(index, source)) return;
  if (source.path.empty()) {
    throw Error(ErrorCode::no_match, Place{source.file_name},
                "is not in the store, and no archive of it was found",
                "name a directory that has it (--find-links), or fetch it first");
  }
  const auto status = try_stat(AT_FDCWD, source.path);
  if (!status) throw Error(ErrorCode::io, Place{source.path}, "does not exist");
  if (source.hashes.empty()) {
    if (const auto digest = index_.find(source.path, *status)) {
      if (auto known = store_.find(*digest); known && known->file_name() == source.file_name) {
        rows_[index].facts = std::move(known);
        return;
      }
    }
  }
  std::string key = source.path;
  for (const Hash& hash : source.hashes) key += " " + hash.str();
  const auto [job, is_new] = job_of_.try_emplace(key, jobs_.size());
  rows_[index].job = job->second;
  if (!is_new) return;
  jobs_.emplace_back().source = &rows_[index].source;
  unpacking_.add(jobs_.back());
}

void Intake::add_received(std::size_t index, const WheelSource& source, const DownloadResult& download) {
  const auto remove = [is_file = !download.bytes, path = source.path] {
    if (is_file) unlink(path.c_str());
  };
  if (is_there(index, source)) return remove();  // another process was first
  rows_[index].job = jobs_.size();
  UnpackJob& job = jobs_.emplace_back();
  job.source = &rows_[index].source;
  job.received = download.sha256;
  job.bytes = download.bytes;
  job.done = remove;
  unpacking_.add(job);
}

Appetite Intake::appetite() const noexcept {
  const std::uint64_t waiting = unpacking_.waiting();
  if (waiting < little) return Appetite::hungry;
  return waiting < plenty ? Appetite::fair : Appetite::full;
}

void Intake::check() {
  if (!unpacking_.any_failed()) return;
  unpacking_.wait();
  rethrow_failure();
}

void Intake::rethrow_failure() {
  for (const Row& row : rows_) {
    if (row.facts || row.job >= jobs_.size() || !jobs_[row.job].failure) continue;
    const UnpackJob& job = jobs_[row.job];
    try {
      std::rethrow_exception(job.failure);
    } catch (const Error& error) {
      // Where a download was put meanwhile tells the user nothing.
      const std::string& path = job.source->path;
      if (!job.received || path.empty() || !error.place().file.starts_with(path)) throw;
      Place place = error.place();
      place.file.replace(0, path.size(), job.source->file_name);
      throw Error(error.code(), place, error.message(), error.hint());
    }
  }
}

std::vector<WheelFacts> Intake::finish(Diagnostics& notes) {
  unpacking_.wait();
  rethrow_failure();
  for (const UnpackJob& job : jobs_) {
    if (job.received) continue;
    if (const auto status = try_stat(AT_FDCWD, job.source->path)) {
      index_.add(job.source->path, *status, job.sha256);
    }
  }
  index_.save();

  std::vector<WheelFacts> facts;
  facts.reserve(rows_.size());
  for (const Row& row : rows_) {
    const WheelFacts& wheel = facts.emplace_back(row.facts ? *row.facts : *jobs_[row.job].facts);
    for (const std::string_view warning : wheel.warnings()) {
      notes.push_back({Severity::warning, "wheel", std::string(wheel.normalized()), row.source.file_name,
                       std::string(warning), ""});
    }
    judge_record(wheel, row.source, options_.verify, notes);
  }
  return facts;
}

std::vector<WheelFacts> Store::ensure(std::span<const WheelSource> sources, const StoreOptions& options,
                                      Diagnostics& notes, const Progress& progress) {
  Intake intake(*this, sources.size(), options, progress, options.jobs - 1);
  for (std::size_t i = 0; i < sources.size(); ++i) intake.add(i, sources[i]);
  return intake.finish(notes);
}

}  // namespace axle
