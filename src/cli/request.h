#pragma once

#include <string>
#include <vector>

#include "axle/base/digest.h"
#include "cli/options.h"
#include "exec/receipt.h"

namespace axle::cli {

// Equal for command lines that ask for the same environment: over all options that have a say in what it
// holds, and the absolute paths of the locks, but not over the locks' content.
Sha256 request_digest(const Options& options, const std::vector<std::string>& paths);

// Whether these files hold what they held when they were read; absent ones had a digest of zeros.
bool are_unchanged(const std::vector<ReceiptInput>& inputs);

}  // namespace axle::cli
