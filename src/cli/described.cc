#include "cli/described.h"

#include <algorithm>
#include <tuple>

#include "axle/base/error.h"
#include "axle/env/installed.h"
#include "axle/wheel/metadata.h"
#include "cli/acquire.h"
#include "cli/context.h"
#include "cli/existing.h"
#include "cli/report.h"

namespace axle::cli {
namespace {

std::vector<std::string> strings(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

DescribedDist of_facts(const WheelFacts& facts) {
  DescribedDist dist;
  dist.name = std::string(facts.normalized());
  dist.display_name = std::string(facts.name());
  dist.version = std::string(facts.version());
  dist.summary = std::string(facts.summary());
  dist.author = std::string(facts.author());
  dist.license_text = std::string(facts.license());
  dist.license_expression = std::string(facts.license_expression());
  dist.license_classifiers = strings(facts.license_classifiers());
  dist.license_files = strings(facts.license_files());
  dist.project_urls = strings(facts.project_urls());
  dist.requires_dist = strings(facts.requires_dist());
  dist.file = std::string(facts.file_name());
  dist.sha256 = facts.wheel_sha256();
  return dist;
}

// What another tool installed tells of itself in its dist-info.
DescribedDist of_installed(int root, const LaidDist& laid) {
  DescribedDist dist;
  dist.name = laid.name;
  dist.display_name = laid.name;
  dist.version = laid.version;
  const InstalledDist installed{laid.name, laid.name, laid.version, laid.dist_info};
  const auto text = read_installed_metadata(root, installed);
  if (!text) return dist;
  try {
    const Metadata metadata = parse_metadata(*text, laid.dist_info.str() + "/METADATA");
    dist.display_name = metadata.name;
    dist.summary = metadata.summary;
    dist.author = metadata.author;
    dist.license_text = metadata.license;
    dist.license_expression = metadata.license_expression;
    dist.license_classifiers = metadata.license_classifiers;
    dist.license_files = metadata.license_files;
    dist.project_urls = metadata.project_urls;
    dist.requires_dist = metadata.requires_dist;
  } catch (const Error& error) {
    // `axle check` reports it; a list of what is there has to name it all the same.
    if (error.code() != ErrorCode::bad_input && error.code() != ErrorCode::unsupported) throw;
  }
  return dist;
}

}  // namespace

Described describe(const Options& options, const std::vector<std::string>& paths) {
  Described described;
  if (paths.empty()) {
    const Existing existing = open_existing(options);
    described.of = existing.path;
    described.interpreter = existing.interpreter;
    for (const LaidDist& laid : existing.installation.state.dists) {
      described.dists.push_back(laid.ours ? of_facts(laid.facts) : of_installed(existing.root.get(), laid));
    }
  } else {
    const Locks locks = read_locks(options, paths, {});
    described.of = paths.front();
    described.interpreter = find_interpreter_for(options, find_place(options));
    const SelectionRequest request = selection_request(options, described.interpreter);
    const Chosen chosen = select_all(locks, request);
    Store store = open_store(options);
    Diagnostics notes = chosen.notes;
    for (const PlanWheel& wheel : acquire(options, chosen, request, store, notes)) {
      described.dists.push_back(of_facts(wheel.facts));
    }
    print_diagnostics(notes, options);
  }
  std::sort(described.dists.begin(), described.dists.end(),
            [](const DescribedDist& a, const DescribedDist& b) {
              return std::tie(a.name, a.version) < std::tie(b.name, b.version);
            });
  return described;
}

std::vector<DependencyPackage> dependency_packages(const Described& described) {
  std::vector<DependencyPackage> packages;
  for (const DescribedDist& dist : described.dists) {
    packages.push_back({dist.name, dist.version, dist.requires_dist});
  }
  return packages;
}

}  // namespace axle::cli
