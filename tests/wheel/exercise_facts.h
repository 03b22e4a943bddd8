#pragma once
// Asks everything of a facts file. Damage may throw Error, and nothing else may happen.

#include <string>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "axle/wheel/facts.h"

namespace axle::test {

inline void exercise_facts(const std::string& bytes) {
  const auto attempt = [](auto&& call) {
    try {
      call();
    } catch (const Error&) {
    }
  };
  attempt([&] {
    const WheelFacts facts = WheelFacts::open(bytes, "facts");
    attempt(
        [&] { static_cast<void>(facts.name().size() + facts.normalized().size() + facts.version().size()); });
    attempt([&] { static_cast<void>(facts.requires_dist().size() + facts.tags().size()); });
    attempt([&] { static_cast<void>(facts.import_roots().size() + facts.warnings().size()); });
    attempt([&] { facts.entry_points(); });
    attempt([&] { facts.record_faults(); });
    attempt([&] { static_cast<void>(std::string(facts.record_part())); });
    attempt([&] { facts.find(Scheme::purelib, "demo/sub/deep/mod.py"); });
    attempt([&] { facts.find(Scheme::data, "share/man/man1/tool.1"); });
    std::string path;
    for (std::uint32_t i = 0; i < facts.files().size(); ++i) {
      attempt([&] { path = facts.path_of(i); });
      attempt([&] { static_cast<void>(facts.scheme_of(facts.file(i))); });
      facts.init_of(i);
      facts.object_of(i);
    }
    for (std::uint32_t i = 0; i < facts.dirs().size(); ++i) {
      attempt([&] { path = facts.dir_path(i); });
      attempt([&] { facts.child_dirs(i); });
      attempt([&] {
        static_cast<void>(facts.files_in(facts.dir(i)).size() + facts.files_below(facts.dir(i)).size());
      });
    }
    for (std::size_t i = 0; i < facts.startup_count(); ++i) attempt([&] { path = facts.startup(i).text; });
    for (std::size_t i = 0; i < facts.object_count(); ++i) {
      attempt([&] { facts.object(i); });
      attempt([&] { path = facts.path_of(facts.object_file(i)); });
    }
  });
}

}  // namespace axle::test
