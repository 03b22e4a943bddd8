// Properties of make_plan and diff over many small random sets of wheels that share directories and files.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "axle/plan/diff.h"
#include "axle/plan/plan.h"
#include "axle/wheel/facts_builder.h"

namespace axle {
namespace {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t count) { return engine_() % count; }
  bool one_in(std::size_t count) { return below(count) == 0; }
  std::mt19937& engine() { return engine_; }

 private:
  std::mt19937 engine_;
};

// A file's content is its path, so that wheels share files without conflict; no name is both a file's and a
// directory's.
WheelFacts random_wheel(Random& random, const std::string& name) {
  FactsBuilder builder;
  builder.name(name).version(random.one_in(2) ? "1" : "2");
  static const std::vector<std::string> dirs{"a", "b", "ns", "__pycache__"};
  static const std::vector<std::string> files{"x.py", "y.txt", "__init__.py"};
  const std::size_t count = 1 + random.below(8);
  for (std::size_t i = 0; i < count; ++i) {
    std::string path;
    for (std::size_t depth = random.below(4); depth > 0; --depth)
      path += dirs[random.below(dirs.size())] + "/";
    path += files[random.below(files.size())];
    const Scheme scheme = random.one_in(6) ? Scheme::data : Scheme::purelib;
    builder.file(scheme, path, "content of " + path);
  }
  builder.file(Scheme::purelib, name + "/own.py", name);
  return builder.build();
}

PlanInput random_input(Random& random, LinkMode mode) {
  PlanInput input;
  input.interpreter = foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", "/usr/bin/python3.12"});
  input.layout = venv_layout(input.interpreter, "/env");
  input.policy.link_mode = mode;
  input.script_interpreter = "/env/bin/python";
  for (const char* name : {"one", "two", "three", "four"}) {
    if (!random.one_in(4)) input.wheels.push_back({random_wheel(random, name), false, std::nullopt, true});
  }
  return input;
}

// What lies where: path to identity, real trees expanded to files.
using Disk = std::map<std::string, std::string>;

void put(Disk& disk, const Plan& plan, const Entry& entry) {
  if (std::holds_alternative<StoreTree>(entry.content) && entry.lay == Lay::file) {
    for (const Entry& below : expand_tree(plan, entry)) put(disk, plan, below);
    return;
  }
  disk[entry.path.str()] = entry.identity.hex();
}

Disk disk_of(const Plan& plan) {
  Disk disk;
  for (const Entry& entry : plan.entries) put(disk, plan, entry);
  return disk;
}

// What a receipt would remember of the plan.
State state_of(const Plan& plan) {
  State state;
  for (const Dist& dist : plan.dists) {
    state.dists.push_back(
        {dist.facts, dist.name, dist.version, dist.dist_info, false, std::nullopt, true, true});
  }
  for (const Entry& entry : plan.entries) {
    LaidEntry laid{entry.path,
                   LaidKind::file,
                   {entry.owner},
                   entry.identity,
                   environment_itself,
                   0,
                   {},
                   0,
                   0,
                   entry.executable,
                   {}};
    laid.owners.insert(laid.owners.end(), entry.sharers.begin(), entry.sharers.end());
    if (entry.lay == Lay::link) {
      laid.kind = LaidKind::link;
    } else if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
      laid.kind = LaidKind::tree;
      laid.dist = tree->wheel;
      laid.dir = tree->dir;
    }
    state.entries.push_back(std::move(laid));
  }
  return state;
}

void apply_to(Disk& disk, const Changes& changes, const Plan& plan) {
  for (const LaidEntry& entry : changes.remove) {
    std::size_t gone = disk.erase(entry.path.str());
    const std::string below = entry.path.str() + "/";
    for (auto at = disk.lower_bound(below); at != disk.end() && at->first.starts_with(below);) {
      at = disk.erase(at);
      ++gone;
    }
    EXPECT_GT(gone, 0U) << entry.path.str() << " is removed and was not there";
  }
  for (const RelPath& dir : changes.join) {
    const auto below = disk.lower_bound(dir.str() + "/");
    EXPECT_FALSE(below != disk.end() && below->first.starts_with(dir.str() + "/"))
        << below->first << " would go with its directory";
  }
  for (const Entry& entry : changes.add) {
    Disk added;
    put(added, plan, entry);
    for (const auto& [path, identity] : added) {
      EXPECT_TRUE(disk.emplace(path, identity).second) << path << " is laid over something";
    }
  }
}

class Property : public ::testing::TestWithParam<LinkMode> {};

TEST_P(Property, ThePlanDoesNotDependOnTheOrderOfWheels) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Random random(seed);
    PlanInput input = random_input(random, GetParam());
    const Plan plan = make_plan(input);
    ASSERT_TRUE(plan.conflicts.empty());
    std::shuffle(input.wheels.begin(), input.wheels.end(), random.engine());
    const Plan other = make_plan(input);
    // Whose link a shared file is follows the order; what is read through it does not.
    if (GetParam() != LinkMode::symlink) {
      ASSERT_EQ(disk_of(plan), disk_of(other)) << "seed " << seed;
    }
    std::map<std::string, std::string> records;
    for (DistId id = 0; id < plan.dists.size(); ++id)
      records[plan.dists[id].name] = render_record(plan, id, {});
    for (DistId id = 0; id < other.dists.size(); ++id) {
      ASSERT_EQ(records.at(other.dists[id].name), render_record(other, id, {})) << "seed " << seed;
    }
  }
}

TEST_P(Property, WhatWasAppliedNeedsNoChange) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const Plan plan = make_plan(random_input(random, GetParam()));
    const Changes changes = diff(state_of(plan), plan);
    ASSERT_TRUE(changes.empty()) << "seed " << seed;
    ASSERT_EQ(changes.result.size(), plan.entries.size());
  }
}

TEST_P(Property, ToAnotherPlanAndBackIsTheSame) {
  for (unsigned seed = 0; seed < 600; ++seed) {
    Random random(seed);
    const Plan first = make_plan(random_input(random, GetParam()));
    const Plan second = make_plan(random_input(random, GetParam()));
    Disk disk = disk_of(first);
    apply_to(disk, diff(state_of(first), second), second);
    ASSERT_EQ(disk, disk_of(second)) << "seed " << seed;
    apply_to(disk, diff(state_of(second), first), first);
    ASSERT_EQ(disk, disk_of(first)) << "seed " << seed;
  }
}

TEST_P(Property, RemovingWhatWasAddedRestores) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Random random(seed);
    PlanInput input = random_input(random, GetParam());
    const Plan before = make_plan(input);
    input.wheels.push_back({random_wheel(random, "five"), false, std::nullopt, true});
    input.wheels.push_back({random_wheel(random, "six"), false, std::nullopt, true});
    const Plan after = make_plan(input);
    Disk disk = disk_of(before);
    apply_to(disk, diff(state_of(before), after), after);
    ASSERT_EQ(disk, disk_of(after)) << "seed " << seed;
    apply_to(disk, diff(state_of(after), before), before);
    ASSERT_EQ(disk, disk_of(before)) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, Property, ::testing::Values(LinkMode::copy, LinkMode::symlink),
                         [](const auto& one) { return std::string(to_string(one.param)); });

}  // namespace
}  // namespace axle
