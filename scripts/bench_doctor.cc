// The part of scripts/bench_native that no command shows alone: the link doctor's own time.
//
//   bench_doctor DIRECTORY ROUNDS
//
// Reads the facts of every native object below DIRECTORY, then asks the doctor ROUNDS times; prints the least processor
// time of both, and the verdicts. What a distribution is, is not known here: the first part of a path stands for it.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "axle/object/link_doctor.h"
#include "axle/object/object_facts.h"

namespace {

double milliseconds_since(std::clock_t start) {
  return static_cast<double>(std::clock() - start) * 1e3 / CLOCKS_PER_SEC;
}

struct Found {
  std::string path;  // relative
  axle::ObjectFacts facts;
};

std::vector<Found> read_all(const std::filesystem::path& top, const std::vector<std::string>& paths) {
  std::vector<Found> found;
  for (const std::string& path : paths) {
    const int fd = open((top / path).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    if (auto facts = axle::read_object_file(fd, path)) found.push_back({path, std::move(*facts)});
    close(fd);
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc == 3 ? std::atoi(argv[2]) : 0;
  if (rounds < 1) {
    std::cerr << "bench_doctor DIRECTORY ROUNDS\n";
    return 2;
  }
  const std::filesystem::path top = argv[1];
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
    if (entry.is_regular_file() && !entry.is_symlink()) {
      paths.push_back(entry.path().lexically_relative(top).generic_string());
    }
  }
  std::sort(paths.begin(), paths.end());
  {  // Afterwards only the objects are read.
    std::vector<std::string> objects;
    for (const Found& each : read_all(top, paths)) objects.push_back(each.path);
    paths = std::move(objects);
  }

  double facts_time = std::numeric_limits<double>::max(), doctor_time = facts_time;
  std::vector<Found> found;
  axle::LinkReport report;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::clock();
    found = read_all(top, paths);
    facts_time = std::min(facts_time, milliseconds_since(start));
  }
  axle::LinkTree tree;
  std::map<std::string, int> machines;
  std::size_t needs = 0;
  for (const Found& each : found) {
    tree.objects.push_back({each.path, each.path.substr(0, each.path.find('/')), &each.facts});
    ++machines[each.facts.machine];
    needs += each.facts.needed.size();
  }
  axle::LinkPolicy policy;
  for (const auto& [machine, count] : machines) {
    if (policy.machine.empty() || count > machines[policy.machine]) policy.machine = machine;
  }
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::clock();
    report = axle::find_links(tree, policy);
    doctor_time = std::min(doctor_time, milliseconds_since(start));
  }
  std::map<std::string_view, int> kinds;
  for (const axle::LinkVerdict& verdict : report.verdicts) ++kinds[axle::to_string(verdict.kind)];
  std::cout << found.size() << " objects, " << needs << " needs; facts of all: " << facts_time
            << " ms; doctor: " << doctor_time << " ms;";
  for (const auto& [kind, count] : kinds) std::cout << ' ' << count << ' ' << kind;
  std::cout << '\n';
}
