#pragma once
// One input of the lock fuzz targets: a lock, and after a line "--- PATH" further files. Whatever it says,
// reading and selecting end in a value or an axle::Error with a place.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "axle/lock/parse.h"
#include "axle/plan/select.h"

namespace axle {

inline void run_lock_input(std::string_view input, LockFormat format) {
  constexpr std::string_view mark = "\n--- ";
  std::string_view text = input.substr(0, input.find(mark));
  std::map<std::string, std::string> files;
  for (auto at = input.find(mark); at != std::string_view::npos;) {
    const auto name = at + mark.size();
    const auto next = input.find(mark, name);
    const std::string_view part = input.substr(name, next == std::string_view::npos ? next : next - name);
    const auto line = part.find('\n');
    if (line != std::string_view::npos) files.emplace(part.substr(0, line), part.substr(line + 1));
    at = next;
  }
  LockContext context;
  context.path = "lock";
  context.variables = {{"NAME", "value"}};
  context.read_file = [&](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
  static const SelectionRequest request = [] {
    TagTarget target;
    target.platform = "manylinux_2_28_x86_64";
    SelectionRequest made = make_selection_request(target);
    made.wanted.all_extras = true;
    made.wanted.all_groups = true;
    return made;
  }();
  try {
    const Lock lock = parse_lock(text, context, format);
    if (lock.files.empty()) std::abort();
    const auto result = try_select(lock, request);
    if (const auto* problems = std::get_if<std::vector<SelectionProblem>>(&result)) {
      if (problems->empty() || selection_error(*problems).message().empty()) std::abort();
    } else {
      for (const Pin& pin : std::get<Selection>(result).pins) {
        if (pin.name.empty()) std::abort();
        if (pin.direct_url) static_cast<void>(render_direct_url(*pin.direct_url, "/x"));
      }
    }
  } catch (const Error& error) {
    if (error.message().empty()) std::abort();
  }
}

}  // namespace axle
