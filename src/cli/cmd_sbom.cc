// axle sbom [LOCK]...: a bill of materials of an environment, or of what a lock selects.

#include <algorithm>

#include "base/temporary_file.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/report.h"
#include "cli/sbom_json.h"

namespace axle::cli {

int run_sbom(const Options& options) {
  std::vector<std::string> locks = options.arguments;
  locks.insert(locks.end(), options.requirements.begin(), options.requirements.end());
  const Described described = describe(options, locks);
  if (options.licenses) {
    if (options.json) {
      print_json(licences_to_json(described));
    } else {
      print_text(licences_to_text(described), options);
    }
    return 0;
  }
  const Json sbom = make_sbom(described, source_date_epoch(options));
  if (options.output.empty()) {
    print_json(sbom);
    return 0;
  }
  const std::string text = sbom.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (!options.dry_run) {
    const std::string output = absolute_path(options.output);
    const std::string directory = output.substr(0, std::max<std::size_t>(output.rfind('/'), 1));
    TemporaryFile::remove_abandoned(directory);
    TemporaryFile file = TemporaryFile::create(directory);
    file.write(text);
    file.publish(output);
  }
  if (options.json) print_json({{"output", options.output}, {"components", described.dists.size()}});
  return 0;
}

}  // namespace axle::cli
