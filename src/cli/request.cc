#include "cli/request.h"

#include <fcntl.h>

#include <algorithm>

#include "base/file.h"
#include "cli/context.h"
#include "cli/version.h"

namespace axle::cli {

Sha256 request_digest(const Options& options, const std::vector<std::string>& paths) {
  std::string text = "axle " + std::string(version) + "\n";
  const auto add = [&](const std::string& value) {
    text += std::to_string(value.size()) + ":" + value + "\n";
  };
  const auto add_list = [&](const std::vector<std::string>& values) {
    add(std::to_string(values.size()));
    for (const std::string& value : values) add(value);
  };
  for (const std::string& path : paths) add(path == "-" ? path : absolute_path(path));
  for (const auto* list :
       {&options.extras, &options.groups, &options.no_groups, &options.only_groups, &options.exclude,
        &options.only, &options.on_conflict, &options.allow_hooks, &options.prune, &options.launcher_env}) {
    add_list(*list);
  }
  for (const auto* value :
       {&options.root, &options.python, &options.python_version, &options.platform, &options.target_python,
        &options.lock_format, &options.link_mode, &options.verify, &options.rpath, &options.startup_hooks,
        &options.launcher, &options.launcher_flags}) {
    add(*value);
  }
  for (const bool flag :
       {options.all_extras, options.all_groups, options.no_default_groups, options.require_hashes,
        options.editable_local, options.exact, options.compile, options.relocatable, options.allow_empty}) {
    text += flag ? '1' : '0';
  }
  add(store_path(options));
  add(variable(options, "SOURCE_DATE_EPOCH"));
  return Sha256::of(text);
}

bool are_unchanged(const std::vector<ReceiptInput>& inputs) {
  return std::all_of(inputs.begin(), inputs.end(), [](const ReceiptInput& input) {
    const auto text = try_read_file(AT_FDCWD, input.path);
    return (text ? Sha256::of(*text) : Sha256{}) == input.sha256;
  });
}

}  // namespace axle::cli
