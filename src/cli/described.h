#pragma once
// Distributions with their metadata: of an environment, or of what a lock selects before it is installed.
// What tree, size and sbom look at.

#include <optional>
#include <string>
#include <vector>

#include "axle/base/digest.h"
#include "axle/env/interpreter.h"
#include "cli/options.h"
#include "plan/dependency_graph.h"

namespace axle::cli {

struct DescribedDist {
  std::string name;          // normalized
  std::string display_name;  // as METADATA writes it
  std::string version;
  std::string summary, author, license_text, license_expression;
  std::vector<std::string> license_classifiers, license_files, project_urls, requires_dist;
  std::string file;              // the wheel's name; "" when another tool installed it
  std::optional<Sha256> sha256;  // of the wheel
};

struct Described {
  std::string of;  // the environment, or the locks
  Interpreter interpreter;
  std::vector<DescribedDist> dists;  // sorted by name
};

// With `locks` what they select (their wheels are fetched into the store), else the environment that the
// options name.
Described describe(const Options& options, const std::vector<std::string>& locks);

std::vector<DependencyPackage> dependency_packages(const Described& described);

}  // namespace axle::cli
