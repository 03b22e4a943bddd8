// From sources to facts: what the store has already, and what must be unpacked.

#include <fcntl.h>
#include <sys/stat.h>

#include <map>

#include "axle/base/error.h"
#include "store/local_index.h"
#include "store/store_impl.h"
#include "store/unpack.h"

namespace axle {

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

std::vector<WheelFacts> Store::ensure(std::span<const WheelSource> sources, const StoreOptions& options,
                                      Diagnostics& notes, const Progress& progress) {
  std::vector<WheelFacts> facts(sources.size());
  std::vector<UnpackJob> jobs;
  std::vector<std::vector<std::size_t>> job_sources;
  std::map<std::string, std::size_t> job_of;  // by path and expected hashes
  LocalIndex index(impl_->root);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const WheelSource& source = sources[i];
    if (auto known = find(source)) {
      if (source.size && *source.size != known->archive_size()) {
        throw Error(ErrorCode::integrity, Place{source.file_name},
                    "has " + std::to_string(known->archive_size()) + " bytes, the lock says " +
                        std::to_string(*source.size),
                    "the lock contradicts itself about this file: lock again");
      }
      facts[i] = std::move(*known);
      continue;
    }
    if (source.path.empty()) {
      throw Error(ErrorCode::no_match, Place{source.file_name},
                  "is not in the store, and no archive of it was found",
                  "name a directory that has it (--find-links), or fetch it first");
    }
    const auto status = try_stat(AT_FDCWD, source.path);
    if (!status) throw Error(ErrorCode::io, Place{source.path}, "does not exist");
    if (source.hashes.empty()) {
      if (const auto digest = index.find(source.path, *status)) {
        if (auto known = find(*digest); known && known->file_name() == source.file_name) {
          facts[i] = std::move(*known);
          continue;
        }
      }
    }
    std::string key = source.path;
    for (const Hash& hash : source.hashes) key += " " + hash.str();
    const auto [job, is_new] = job_of.try_emplace(key, jobs.size());
    if (is_new) {
      jobs.push_back({&source, {}, std::nullopt, nullptr});
      job_sources.emplace_back();
    }
    job_sources[job->second].push_back(i);
  }

  if (!jobs.empty())
    unpack_wheels(impl_->root, jobs, {options.verify, options.jobs, impl_->use, progress, std::nullopt});
  for (const UnpackJob& job : jobs) {
    if (job.failure) std::rethrow_exception(job.failure);
  }
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    for (const std::size_t i : job_sources[j]) facts[i] = *jobs[j].facts;
    if (const auto status = try_stat(AT_FDCWD, jobs[j].source->path)) {
      index.add(jobs[j].source->path, *status, jobs[j].sha256);
    }
  }
  index.save();

  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (const std::string_view warning : facts[i].warnings()) {
      notes.push_back({Severity::warning, "wheel", std::string(facts[i].normalized()), sources[i].file_name,
                       std::string(warning), ""});
    }
    judge_record(facts[i], sources[i], options.verify, notes);
  }
  return facts;
}

}  // namespace axle
