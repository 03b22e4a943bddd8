#include "wheel/record_check.h"

#include <string>
#include <unordered_map>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

// RECORD cannot list itself truly, and signatures came after it. spec: "Binary distribution format", PEP 815.
bool is_exempt(std::string_view path, std::string_view dist_info) {
  if (path.size() <= dist_info.size() || !path.starts_with(dist_info) || path[dist_info.size()] != '/')
    return false;
  const auto name = path.substr(dist_info.size() + 1);
  return name == "RECORD" || name == "RECORD.jws" || name == "RECORD.p7s";
}

std::size_t digest_size(HashAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case HashAlgorithm::md5:
      return 16;
    case HashAlgorithm::sha1:
      return 20;
    case HashAlgorithm::sha224:
      return 28;
    case HashAlgorithm::sha256:
    case HashAlgorithm::sha3_256:
      return 32;
    case HashAlgorithm::sha384:
    case HashAlgorithm::sha3_384:
      return 48;
    case HashAlgorithm::sha512:
    case HashAlgorithm::sha3_512:
    case HashAlgorithm::blake2b:
      return 64;
  }
  return 0;
}

// What the rows of one member said so far.
struct Seen {
  bool listed = false;
  bool faulty = false;  // a fault is noted already: say no more
  std::string weak;     // the algorithm that proves nothing
  Expectation expectation;
};

class Checker {
 public:
  Checker(std::span<const Member> members, std::string_view dist_info, std::string_view name)
      : members_(members), dist_info_(dist_info), name_(name), seen_(members.size()) {
    index_.reserve(members.size());
    for (std::size_t i = 0; i < members.size(); ++i) index_.emplace(members[i].name, i);
  }

  void add(const RecordRow& row) {
    switch (classify_record_path(row.path)) {
      case RecordPath::escaping:
        throw Error(ErrorCode::bad_input, Place{std::string(name_), row.line, 1},
                    "path " + quoted(row.path) + " leads out of the wheel");
      case RecordPath::not_normal:
        result_.faults.push_back({row.path, "RECORD lists it, but this is no normal path and names no file"});
        return;
      case RecordPath::normal:
        break;
    }
    if (is_exempt(row.path, dist_info_)) return;
    const auto found = index_.find(row.path);
    if (found == index_.end() || members_[found->second].is_directory) {
      result_.faults.push_back({row.path, "RECORD lists it, but the archive has no such file"});
      return;
    }
    add(row, seen_[found->second]);
  }

  RecordCheck finish() {
    result_.expected.resize(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].is_directory || is_exempt(members_[i].name, dist_info_)) continue;
      Seen& seen = seen_[i];
      if (!seen.listed) {
        result_.faults.push_back({members_[i].name, "RECORD does not list it"});
        continue;
      }
      if (seen.expectation.digest.empty() && !seen.faulty) {
        result_.faults.push_back({members_[i].name, seen.weak.empty()
                                                        ? "RECORD has no digest of it"
                                                        : "RECORD's only digest of it is " +
                                                              quoted(seen.weak) + ", which proves nothing"});
      }
      result_.expected[i] = std::move(seen.expectation);
    }
    return std::move(result_);
  }

 private:
  void fault(const RecordRow& row, Seen& seen, std::string what) {
    seen.faulty = true;
    result_.faults.push_back({row.path, std::move(what)});
  }

  void add(const RecordRow& row, Seen& seen) {
    Expectation& expectation = seen.expectation;
    if (seen.listed && row.size && expectation.size && *row.size != *expectation.size) {
      fault(row, seen, "RECORD lists it twice with different sizes");
    }
    seen.listed = true;
    if (row.size) expectation.size = row.size;
    if (row.algorithm.empty()) return;
    const auto algorithm = parse_hash_algorithm(row.algorithm);
    if (!algorithm || !is_strong(*algorithm)) {
      seen.weak = row.algorithm;
      return;
    }
    // Some producers leave base64's padding; it says nothing.
    std::string_view text = row.digest;
    while (text.ends_with('=')) text.remove_suffix(1);
    auto digest = base64url_decode(text);
    if (!digest || digest->size() != digest_size(*algorithm)) {
      fault(row, seen, "RECORD's digest of it is malformed");
      return;
    }
    if (!expectation.digest.empty() && expectation.algorithm == *algorithm && expectation.digest != *digest) {
      fault(row, seen, "RECORD lists it twice with different digests");
      return;
    }
    // SHA-256 is computed in any case.
    if (expectation.digest.empty() || *algorithm == HashAlgorithm::sha256) {
      expectation.algorithm = *algorithm;
      expectation.digest = std::move(*digest);
    }
  }

  std::span<const Member> members_;
  std::string_view dist_info_;
  std::string_view name_;
  std::unordered_map<std::string_view, std::size_t> index_;
  std::vector<Seen> seen_;
  RecordCheck result_;
};

}  // namespace

RecordCheck check_record(std::span<const RecordRow> rows, std::span<const Member> members,
                         std::string_view dist_info, std::string_view name) {
  Checker checker(members, dist_info, name);
  for (const RecordRow& row : rows) checker.add(row);
  return checker.finish();
}

}  // namespace axle
