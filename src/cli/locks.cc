#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>

#include "axle/base/error.h"
#include "axle/lock/parse.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/acquire.h"
#include "cli/context.h"

namespace axle::cli {
namespace {

std::string read_standard_input() {
  std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  if (text.size() > max_lock_size)
    throw Error(ErrorCode::bad_input, axle::Place{"-"}, "is too large for a lock");
  return text;
}

LockContext make_context(const Options& options, const std::string& path) {
  LockContext context;
  context.path = path;
  context.read_file = [](const std::string& name) { return try_read_file(AT_FDCWD, name, max_lock_size); };
  context.variables = options.environment;
  return context;
}

void add_inputs(const Lock& lock, std::vector<ReceiptInput>& inputs) {
  for (const InputFile& file : lock.files) {
    if (file.path == "-") continue;
    inputs.push_back({absolute_path(file.path), file.digest.value_or(Sha256{})});
  }
}

}  // namespace

Locks read_locks(const Options& options, const std::vector<std::string>& paths,
                 const std::vector<std::string>& requirements) {
  std::optional<LockFormat> format;
  if (!options.lock_format.empty()) {
    format = parse_lock_format(options.lock_format);
    if (!format) {
      throw Error(ErrorCode::usage, "--lock-format " + axle::quoted(options.lock_format) + " is unknown",
                  "requirements, pylock, uv, poetry, pdm or pipfile");
    }
  }
  Locks locks;
  if (!requirements.empty()) {  // before the locks: --on-conflict first and last ask for the order
    std::string text;
    for (const std::string& line : requirements) text += line + "\n";
    LockContext context = make_context(options, "requirements of the command line");
    locks.locks.push_back(parse_lock(text, context, LockFormat::requirements));
  }
  for (const std::string& path : paths) {
    const std::string text = path == "-" ? read_standard_input() : read_file(AT_FDCWD, path, max_lock_size);
    locks.locks.push_back(parse_lock(text, make_context(options, path), format));
    add_inputs(locks.locks.back(), locks.inputs);
  }
  return locks;
}

Chosen select_all(const Locks& locks, const SelectionRequest& request) {
  Chosen chosen;
  std::map<std::string, Pin> pins;
  bool needs_hashes = false;
  std::size_t packages = 0;  // in the locks before
  for (const Lock& lock : locks.locks) {
    Selection selection = select(lock, request);
    for (Pin& pin : selection.pins) {
      pin.order += packages;
      const auto [known, is_new] = pins.try_emplace(pin.name, pin);
      if (!is_new && known->second.version != pin.version) {
        throw Error(ErrorCode::bad_input, pin.place,
                    pin.name + " is pinned to " + pin.version + " here and to " + known->second.version +
                        " in " + to_string(known->second.place),
                    "make them agree");
      }
    }
    chosen.local_projects.insert(chosen.local_projects.end(), selection.local_projects.begin(),
                                 selection.local_projects.end());
    chosen.notes.insert(chosen.notes.end(), selection.notes.begin(), selection.notes.end());
    const SourceOptions& sources = lock.options;
    if (sources.index_url) chosen.sources.index_url = sources.index_url;
    for (const auto& [from, to] : {std::pair{&sources.extra_index_urls, &chosen.sources.extra_index_urls},
                                   std::pair{&sources.find_links, &chosen.sources.find_links}}) {
      to->insert(to->end(), from->begin(), from->end());
    }
    chosen.sources.no_index = chosen.sources.no_index || sources.no_index;
    needs_hashes = needs_hashes || sources.require_hashes;
    packages += lock.packages.size();
  }
  chosen.sources.require_hashes = needs_hashes;
  for (auto& pin : pins) chosen.pins.push_back(std::move(pin.second));
  return chosen;
}

}  // namespace axle::cli
