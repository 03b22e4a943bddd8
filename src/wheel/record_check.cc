#include "wheel/record_check.h"

#include <map>
#include <optional>
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

class Checker {
 public:
  Checker(std::span<const Member> members, std::string_view dist_info, std::string_view name)
      : members_(members), dist_info_(dist_info), name_(name), faulty_(members.size()) {
    result_.expected.resize(members.size());
  }

  void add(const RecordRow& row) {
    // A member's name is a normal path, so what names one needs no look of its own.
    if (const auto member = find(row.path)) {
      if (!is_exempt(row.path, dist_info_)) add(row, *member);
      return;
    }
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
    result_.faults.push_back({row.path, "RECORD lists it, but the archive has no such file"});
  }

  RecordCheck finish() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].is_directory || is_exempt(members_[i].name, dist_info_)) continue;
      const auto& expected = result_.expected[i];
      if (!expected) {
        result_.faults.push_back({members_[i].name, "RECORD does not list it"});
      } else if (expected->digest.empty() && !faulty_[i]) {
        const auto weak = weak_.find(i);
        result_.faults.push_back({members_[i].name, weak == weak_.end() ? "RECORD has no digest of it"
                                                                        : "RECORD's only digest of it is " +
                                                                              quoted(weak->second) +
                                                                              ", which proves nothing"});
      }
    }
    return std::move(result_);
  }

 private:
  // The file of that name. Most producers list files in the archive's order, or nearly.
  std::optional<std::size_t> find(std::string_view path) {
    while (next_ < members_.size() && members_[next_].is_directory) ++next_;
    if (next_ < members_.size() && members_[next_].name == path) return next_++;
    if (index_.empty()) {
      index_.reserve(members_.size());
      for (std::size_t i = 0; i < members_.size(); ++i) {
        if (!members_[i].is_directory) index_.emplace(members_[i].name, i);
      }
    }
    const auto found = index_.find(path);
    if (found == index_.end()) return std::nullopt;
    next_ = found->second + 1;
    return found->second;
  }

  void fault(const RecordRow& row, std::size_t member, std::string what) {
    faulty_[member] = true;
    result_.faults.push_back({row.path, std::move(what)});
  }

  void add(const RecordRow& row, std::size_t member) {
    std::optional<Expectation>& expected = result_.expected[member];
    if (expected && row.size && expected->size && *row.size != *expected->size) {
      fault(row, member, "RECORD lists it twice with different sizes");
    }
    if (!expected) expected.emplace();
    if (row.size) expected->size = row.size;
    if (row.algorithm.empty()) return;
    const auto algorithm = parse_hash_algorithm(row.algorithm);
    if (!algorithm || !is_strong(*algorithm)) {
      weak_.insert_or_assign(member, row.algorithm);
      return;
    }
    // Some producers leave base64's padding; it says nothing.
    std::string_view text = row.digest;
    while (text.ends_with('=')) text.remove_suffix(1);
    auto digest = base64url_decode(text);
    if (!digest || digest->size() != digest_size(*algorithm)) {
      fault(row, member, "RECORD's digest of it is malformed");
      return;
    }
    if (!expected->digest.empty() && expected->algorithm == *algorithm && expected->digest != *digest) {
      fault(row, member, "RECORD lists it twice with different digests");
      return;
    }
    // SHA-256 is computed in any case.
    if (expected->digest.empty() || *algorithm == HashAlgorithm::sha256) {
      expected->algorithm = *algorithm;
      expected->digest = std::move(*digest);
    }
  }

  std::span<const Member> members_;
  std::string_view dist_info_;
  std::string_view name_;
  std::size_t next_ = 0;                                     // the member that is likely to come
  std::unordered_map<std::string_view, std::size_t> index_;  // of the files, once one came out of turn
  std::vector<bool> faulty_;                 // a fault of the member is noted already: say no more
  std::map<std::size_t, std::string> weak_;  // of members, the algorithm that proves nothing
  RecordCheck result_;
};

}  // namespace

RecordCheck check_record(std::string_view text, std::span<const Member> members, std::string_view dist_info,
                         std::string_view name) {
  Checker checker(members, dist_info, name);
  RecordReader reader(text, name);
  for (RecordRow row; reader.next(row);) checker.add(row);
  return checker.finish();
}

}  // namespace axle
