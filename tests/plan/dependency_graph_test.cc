#include "plan/dependency_graph.h"

#include <gtest/gtest.h>

namespace axle {
namespace {

std::string tree(const std::vector<DependencyPackage>& packages) {
  const DependencyGraph graph = make_dependency_graph(packages, default_environment());
  return render_tree(packages, graph, graph.roots);
}

TEST(DependencyGraph, CountsWhatMarkersAndExtrasAskFor) {
  const std::vector<DependencyPackage> packages{
      {"app", "1.0", {"lib[fast]>=1", "gone ; sys_platform == 'win32'"}},
      {"lib", "1.2", {"speed ; extra == 'fast'", "slow ; extra == 'other'"}},
      {"speed", "0.1", {}},
  };
  EXPECT_EQ(tree(packages),
            "app 1.0\n"
            "`-- lib 1.2 [lib[fast]>=1]\n"
            "    `-- speed 0.1 [speed] (extra fast)\n");
  const DependencyGraph graph = make_dependency_graph(packages, default_environment());
  EXPECT_EQ(graph.wanted[1], std::set<std::string>{"fast"});
  ASSERT_EQ(graph.of[1].size(), 1U);
  EXPECT_EQ(graph.of[1][0].marker, "extra == \"fast\"");
}

TEST(DependencyGraph, ShowsCyclesRepeatsAndWhatIsMissing) {
  EXPECT_EQ(
      tree({{"a", "1", {"b", "c"}}, {"b", "1", {"a", "c"}}, {"c", "1", {"d>=2", "nowhere"}}, {"d", "1", {}}}),
      "a 1\n"
      "|-- b 1 [b]\n"
      "|   |-- a 1 [a] (cycle)\n"
      "|   `-- c 1 [c]\n"
      "|       |-- d 1 [d>=2] (version does not do)\n"
      "|       `-- nowhere (missing)\n"
      "`-- c 1 [c] (*)\n");
}

TEST(DependencyGraph, GoesAsDeepAsMetadataSays) {
  std::vector<DependencyPackage> packages;
  for (int i = 0; i < 20000; ++i) {
    packages.push_back({"p" + std::to_string(i), "1", {"p" + std::to_string(i + 1)}});
  }
  const DependencyGraph graph = make_dependency_graph(packages, default_environment());
  EXPECT_EQ(graph.roots, std::vector<std::size_t>{0});
}

}  // namespace
}  // namespace axle
