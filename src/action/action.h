#pragma once
// Running one action: files in, files out, nothing else. No network, no home directory, no store, no
// environment variable, no interpreter; what is read and written is what the request names.

#include <string>

#include "action/request.h"
#include "axle/base/diagnostic.h"

namespace axle {

struct ActionContext {
  std::string base;   // put before relative paths to reach the files: "" or a directory with a slash
  unsigned jobs = 1;  // threads, at most
};

struct ActionResult {
  std::string text;  // for standard output
  Diagnostics notes;
};

// Throws Error; then no output was changed. Thread-safe.
ActionResult run_action(const ActionRequest& request, const ActionContext& context);

// Where a path of the request is.
std::string reach(const ActionContext& context, const std::string& path);

}  // namespace axle
