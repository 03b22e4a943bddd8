// The locks of fixtures/locks were written by real tools; expect.json says what those tools install from
// them, for many targets, extras and groups. Every case must come out the same.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "axle/lock/parse.h"
#include "axle/pep/name.h"
#include "axle/pep/wheel_filename.h"
#include "axle/plan/select.h"

namespace axle {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Lock read_lock(const fs::path& path) {
  LockContext context;
  context.path = path.string();
  context.read_file = read_text;
  return parse_lock(read_text(path.string()).value(), context);
}

using nlohmann::json;

std::vector<std::string> strings(const json& item, const char* key) {
  return item.value(key, std::vector<std::string>{});
}

std::map<std::string, std::string> texts(const json& item, const char* key) {
  return item.value(key, std::map<std::string, std::string>{});
}

std::string text(const json& item, const char* key) { return item.value(key, std::string()); }

class Workload {
 public:
  explicit Workload(const std::string& name) : directory_(fs::path(AXLE_FIXTURES) / "locks" / name) {}

  // Locks are read once; each case only selects.
  const Lock& lock(const std::string& name) {
    auto found = locks_.find(name);
    if (found == locks_.end()) found = locks_.emplace(name, read_lock(directory_ / name)).first;
    return found->second;
  }

  // The files with one of these hashes, from all locks of the workload that name files.
  std::vector<Candidate> files(const std::vector<Hash>& hashes) {
    if (files_.empty()) {
      for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
        const std::string name = entry.path().filename().string();
        if (name == "Pipfile.lock" || name == "pyproject.toml") continue;
        if (!name.ends_with(".lock") && !name.ends_with(".toml")) continue;
        for (Candidate& file : candidates_of(read_lock(entry.path()))) {
          for (const Hash& hash : file.hashes) files_.emplace(hash, file);
        }
      }
    }
    std::vector<Candidate> found;
    for (const Hash& hash : hashes) {
      if (const auto file = files_.find(hash); file != files_.end()) found.push_back(file->second);
    }
    return found;
  }

  std::string expectations() const { return (directory_ / "expect.json").string(); }

 private:
  fs::path directory_;
  std::map<std::string, Lock> locks_;
  std::map<Hash, Candidate> files_;
};

struct Outcome {
  std::string error;  // its kind
  std::set<std::string> error_packages;
  std::map<std::string, std::string> packages;
  std::map<std::string, std::string> wheels;
};

// Uses that the locks with names know files by hash, as an index would.
void choose_by_hash(const Pin& pin, Workload& workload, const SelectionRequest& request, Outcome& outcome) {
  const std::vector<Candidate> known = workload.files(pin.hashes);
  if (known.empty()) return;
  try {
    outcome.wheels[pin.name] = known[choose_candidate(pin, known, request)].file_name;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::no_match) << error.what();
    outcome.error = "no wheel";
    outcome.error_packages.insert(pin.name);
  }
}

Outcome run(Workload& workload, const json& item) {
  TagTarget target;
  target.python = text(item, "python");
  target.platform = text(item, "platform");
  SelectionRequest request = make_selection_request(target, text(item, "python_full_version"));
  request.wanted.extras = strings(item, "extras");
  if (item.contains("active_groups")) {
    request.wanted.exact_groups = strings(item, "active_groups");
  } else {
    request.wanted.groups = strings(item, "groups");
    request.wanted.default_groups = item.at("default_groups").get<bool>();
  }
  Outcome outcome;
  const auto result = try_select(workload.lock(text(item, "lock")), request);
  if (const auto* problems = std::get_if<std::vector<SelectionProblem>>(&result)) {
    outcome.error = to_string(problems->front().kind);
    for (const SelectionProblem& problem : *problems) {
      outcome.error_packages.insert(problem.package);
      EXPECT_FALSE(problem.text.empty());
    }
    return outcome;
  }
  for (const Pin& pin : std::get<Selection>(result).pins) {
    outcome.packages[pin.name] = pin.version;
    if (pin.wheel) {
      outcome.wheels[pin.name] = pin.wheel->name;
    } else {
      choose_by_hash(pin, workload, request, outcome);
    }
  }
  return outcome;
}

// pylock.toml's `name` may be normalized where the URL is not.
std::string comparable(const std::string& file_name) {
  const auto parsed = WheelFilename::try_parse(file_name);
  return parsed ? parsed->name + file_name.substr(parsed->raw_name.size()) : file_name;
}

void check(const std::string& name, std::size_t count) {
  Workload workload(name);
  const json cases = json::parse(read_text(workload.expectations()).value());
  for (const json& item : cases) {
    SCOPED_TRACE(item.dump().substr(0, 300));
    const Outcome outcome = run(workload, item);
    EXPECT_EQ(outcome.error, text(item, "error"));
    if (!outcome.error.empty()) {
      const auto named = strings(item, "error_packages");
      if (!named.empty()) {
        EXPECT_EQ(outcome.error_packages, std::set<std::string>(named.begin(), named.end()));
      }
      continue;
    }
    EXPECT_EQ(outcome.packages, texts(item, "packages"));
    for (const auto& [package, wheel] : texts(item, "wheels")) {
      const auto found = outcome.wheels.find(package);
      const std::string chosen = found == outcome.wheels.end() ? "" : found->second;
      EXPECT_EQ(comparable(chosen), comparable(wheel));
    }
  }
  EXPECT_EQ(cases.size(), count);
}

TEST(RealLocks, Small) { check("small", 274); }
TEST(RealLocks, Science) { check("science", 231); }
TEST(RealLocks, Webapp) { check("webapp", 389); }

}  // namespace
}  // namespace axle
