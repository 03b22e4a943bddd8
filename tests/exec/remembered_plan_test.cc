// Plans as bytes and back: for the same interpreter, for another one, and from bytes that are not what was
// written.

#include "exec/remembered_plan.h"

#include <fcntl.h>

#include <algorithm>

#include "axle/base/error.h"
#include "exec/dist_tree.h"
#include "exec/entry_bytes.h"
#include "exec/environment_fixture.h"
#include "exec/remembered_files.h"
#include "exec/remembered_format.h"

namespace axle::test {
namespace {

constexpr std::int64_t time_ns = 315532800LL * 1'000'000'000;

class RememberedPlanTest : public EnvironmentTest {
 protected:
  static std::vector<WheelWriter> wheels() {
    WheelWriter demo("demo", "1.0");
    demo.file("demo/__init__.py", "answer = 42\n").file("ns/demo.py", "d = 1\n").file("one.py", "o = 1\n");
    demo.file(demo.dist_info() + "/entry_points.txt", "[console_scripts]\ndemo = demo:main\n");
    demo.file(demo.data_dir() + "/scripts/hello", "#!python\nprint()\n", 0100755);
    demo.file(demo.data_dir() + "/scripts/program", "#!/bin/sh\n", 0100755);
    WheelWriter other("other", "2.0");
    other.file("ns/other.py", "o = 2\n").file("other/__init__.py", "").file("other.pth", "import other\n");
    return {demo, other};
  }

  // What sync would do in a fresh environment at the path.
  Plan plan_at(const std::string& root, const std::vector<WheelWriter>& wheels) const {
    PlanInput input;
    input.interpreter = foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", "/usr/bin/python3.12"});
    input.layout = venv_layout(input.interpreter, root);
    input.policy.link_mode = LinkMode::symlink;
    input.script_interpreter = root + "/bin/python";
    input.venv = VenvSpec{};
    std::vector<WheelSource> sources;
    for (const WheelWriter& wheel : wheels) sources.push_back(source(wheel));
    Diagnostics notes;
    for (WheelFacts& facts : store().ensure(sources, {}, notes))
      input.wheels.push_back({std::move(facts), true, std::nullopt, true});
    return make_plan(input);
  }

  void remember(const std::string& root, const std::vector<WheelWriter>& wheels) const {
    const Plan plan = plan_at(root, wheels);
    const std::vector<ReceiptInput> inputs{{"/a/lock.txt", Sha256::of("lock")}};
    remember_plan(store(), key(), inputs, plan.notes, plan, root + "/bin/python", time_ns);
  }

  static Sha256 key() { return Sha256::of("a request"); }
  std::optional<RememberedPlan> find() const { return RememberedPlan::find(store().root(), key()); }
  std::string file() const { return (dir_ / "store/v1" / remembered::file_name(key())).string(); }

  std::string bytes() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void replace(const std::string& bytes) const {
    std::filesystem::remove(file());
    std::ofstream(file(), std::ios::binary) << bytes;
  }

  // Path to what is there, of what distributions own; RECORDs by what would be written.
  std::map<std::string, std::string> describe(const Plan& plan, const std::vector<Entry>& entries) const {
    const Store opened = store();
    const Trees trees = store_trees(plan, opened);
    std::vector<std::optional<WrittenFile>> written(plan.entries.size());
    for (std::size_t i = 0; i < plan.entries.size(); ++i) {
      if (std::holds_alternative<Rewritten>(plan.entries[i].content))
        written[i] = measure_entry(plan, plan.entries[i], trees, nullptr);
    }
    const bool has_texts = std::any_of(entries.begin(), entries.end(), [](const Entry& entry) {
      const auto* record = std::get_if<Record>(&entry.content);
      return record != nullptr && !record->text.empty();
    });
    const RecordIndex index = has_texts ? RecordIndex() : index_records(plan);
    std::map<std::string, std::string> result;
    for (const Entry& entry : entries) {
      if (entry.owner == environment_itself && entry.sharers.empty()) continue;
      std::string text =
          std::to_string(entry.owner) + (entry.executable ? " x " : " - ") + entry.identity.hex();
      for (const DistId sharer : entry.sharers) text += " shared " + std::to_string(sharer);
      if (const auto* link = std::get_if<Symlink>(&entry.content)) {
        text += " -> " + link->target;
      } else if (entry.lay == Lay::link) {
        text += " -> " + link_target(plan, entry, trees);
      } else if (const auto* record = std::get_if<Record>(&entry.content)) {
        text += " RECORD ";
        if (record->text.empty()) {
          render_record(plan, record->dist, written, index, [&](std::string_view piece) { text += piece; });
        } else {
          text += record->text;
        }
      } else if (std::holds_alternative<Directory>(entry.content)) {
        text += " directory";
      } else if (const auto* stored = std::get_if<StoreFile>(&entry.content)) {
        const WheelFacts& facts = plan.dists[stored->wheel].facts;
        text += " file " + facts.file(stored->file).sha256.hex() + " " + facts.path_of(stored->file);
      } else {
        text += " bytes " + std::string(entry_bytes(plan, entry, trees, nullptr).view());
      }
      result[entry.path.str()] = text;
    }
    return result;
  }

  std::map<std::string, std::string> describe(const Plan& plan) const { return describe(plan, plan.entries); }
  std::map<std::string, std::string> describe(RememberedParts& parts, const std::string& root) const {
    Plan plan = plan_at(root, {});
    plan.dists = parts.dists;
    plan.entries = parts.entries;
    return describe(plan, plan.entries);
  }
};

TEST_F(RememberedPlanTest, ComesBackAsItWas) {
  remember("/place/env", wheels());
  const Plan plan = plan_at("/place/env", wheels());
  const auto remembered = find();  // which has the texts
  auto parts = remembered->parts("/place/env/bin/python");
  ASSERT_TRUE(parts);
  EXPECT_EQ(describe(*parts, "/place/env"), describe(plan));
  ASSERT_EQ(parts->inputs.size(), 1U);
  EXPECT_EQ(parts->inputs[0].path, "/a/lock.txt");
  EXPECT_EQ(parts->inputs[0].sha256, Sha256::of("lock"));
  EXPECT_EQ(parts->notes, plan.notes);
  EXPECT_FALSE(plan.notes.empty());
  ASSERT_EQ(parts->dists.size(), plan.dists.size());
  for (std::size_t i = 0; i < plan.dists.size(); ++i) {
    EXPECT_EQ(parts->dists[i].name, plan.dists[i].name);
    EXPECT_EQ(parts->dists[i].version, plan.dists[i].version);
    EXPECT_EQ(parts->dists[i].dist_info, plan.dists[i].dist_info);
    EXPECT_EQ(parts->dists[i].requested, plan.dists[i].requested);
    EXPECT_EQ(parts->dists[i].facts.store_id(), plan.dists[i].facts.store_id());
  }
  EXPECT_TRUE(find()->is_unpacked(store().root()));
}

TEST_F(RememberedPlanTest, IsThePlanOfAnotherPlace) {
  remember("/place/env", wheels());
  for (const std::string root :
       {"/e", "/place/env/in/it", "/place", "/place/envs", "/a/longer/name/of/a/place"}) {
    const auto remembered = find();
    auto parts = remembered->parts(root + "/bin/python");
    ASSERT_TRUE(parts) << root;
    EXPECT_EQ(describe(*parts, root), describe(plan_at(root, wheels()))) << root;
  }
}

TEST_F(RememberedPlanTest, IsForScriptsOfOneFormAlone) {
  remember("/place/env", wheels());
  EXPECT_FALSE(find()->parts("/a place/env/bin/python"));
  EXPECT_FALSE(find()->parts("/" + std::string(130, 'p') + "/bin/python"));
  // "#!" and the path and a line's end are what the kernel takes, and one byte more.
  EXPECT_TRUE(find()->parts("/" + std::string(123, 'p')));
  EXPECT_FALSE(find()->parts("/" + std::string(124, 'p')));
}

TEST_F(RememberedPlanTest, WhatNamesItsPlaceIsNotRemembered) {
  const auto is_remembered = [&](const std::string& root, const std::string& script) {
    std::filesystem::remove(file());
    WheelWriter wheel("places", "1.0");
    wheel.file(wheel.data_dir() + "/scripts/named", script, 0100755);
    remember(root, {wheel});
    return find().has_value();
  };
  EXPECT_TRUE(is_remembered("/place/env", "#!python\nprint('/place/other')\n"));
  EXPECT_FALSE(is_remembered("/place/env", "#!python\nprint('/place/env/share')\n"));
  EXPECT_FALSE(is_remembered("/place/env", "#!python -s\n"));
  EXPECT_FALSE(is_remembered("/a place/env", "#!python\n"));
}

TEST_F(RememberedPlanTest, FilesThatLookOtherwiseAreFound) {
  remember("/place/env", wheels());
  const Fd root = open_dir(AT_FDCWD, (dir_ / "store/v1").string());
  std::vector<std::filesystem::path> files;
  for (const auto& one : std::filesystem::recursive_directory_iterator(dir_ / "store/v1/wheels")) {
    const std::string name = one.path().filename().string();
    const bool is_looked_at = name == "__init__.py" || name == "one.py" || name == "program" ||
                              name == "METADATA" || name == "other.pth" || name == "demo.py";
    if (one.is_regular_file() && is_looked_at) files.push_back(one.path());
  }
  for (const auto& one : std::filesystem::directory_iterator(dir_ / "store/v1/own"))
    files.push_back(one.path());
  EXPECT_GE(files.size(), 9U);
  std::size_t unseen = 0;
  for (const auto& path : files) {
    const auto away = path.string() + ".away";
    std::filesystem::rename(path, away);
    const bool is_seen = !find()->is_unpacked(root);
    // A file that is laid by its bytes, not by a link, is looked at when it is laid.
    if (!is_seen) {
      ++unseen;
      EXPECT_EQ(path.filename(), "program");
    }
    std::filesystem::rename(away, path);
    ASSERT_TRUE(find()->is_unpacked(root));
  }
  EXPECT_LE(unseen, 1U);
}

TEST_F(RememberedPlanTest, AnyOtherByteIsFound) {
  remember("/place/env", wheels());
  const std::string whole = bytes();
  const auto content = find()->content();
  ASSERT_TRUE(content);
  EXPECT_EQ(content->wheels.size(), 2U);

  const Fd root = open_dir(AT_FDCWD, (dir_ / "store/v1").string());
  for (std::size_t at = 0; at < whole.size(); at += at < 40 ? 1 : 7) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    replace(changed);
    const auto plan = find();
    EXPECT_FALSE(plan->content()) << at;
    try {
      const auto parts = plan->parts("/other/bin/python");
      EXPECT_FALSE(plan->is_unpacked(root)) << at;
      ADD_FAILURE() << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input) << at;
    }
  }
}

TEST_F(RememberedPlanTest, AnyShorterFileIsFound) {
  remember("/place/env", wheels());
  const std::string whole = bytes();
  for (std::size_t size = 0; size < whole.size(); size += size < 40 ? 1 : 13) {
    replace(whole.substr(0, size));
    const auto plan = find();
    if (!plan) continue;  // an empty file may be none
    EXPECT_FALSE(plan->content()) << size;
    EXPECT_THROW(plan->parts("/other/bin/python"), Error) << size;
  }
}

TEST_F(RememberedPlanTest, WhatHasNoUseIsFound) {
  remember("/place/env", wheels());
  EXPECT_TRUE(find_unused_remembered(store(), {}).empty());
  for (const RememberedFile& file : list_remembered(store()))
    EXPECT_TRUE(verify_remembered(store(), file).empty());
  const std::size_t all = list_remembered(store()).size();
  EXPECT_GE(all, 3U);
  EXPECT_EQ(find_unused_remembered(store(), {find()->content()->wheels[0]}).size(), all);
}

}  // namespace
}  // namespace axle::test
