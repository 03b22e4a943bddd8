#pragma once
// The loop of a persistent worker: requests in, exactly one response for each, in any order where they have
// ids.
//
// One thread reads. Requests with id 0 are done one after another by one thread, those with ids by as many as
// are allowed. A cancel request marks the request it names: one that waits is answered as cancelled, one that
// runs stops where it looks (CancelScope) and is answered then; of one that is answered already nothing
// comes. After its answer a request touches no file. Whatever a request does wrong is its answer.

#include <functional>
#include <string>

#include "action/work_protocol.h"

namespace axle {

struct WorkerOptions {
  std::optional<WorkForm> form;  // none: told by the first bytes
  unsigned threads = 1;
  int input = 0;  // descriptors
  int output = 1;
};

// What a request comes to. Called on several threads; must not throw.
struct WorkOutcome {
  std::int32_t exit_code = 0;
  std::string output;
  bool interrupted = false;  // it stopped because it was asked to
};
using Work = std::function<WorkOutcome(const WorkRequest& request)>;

// Returns at the end of the input, when all is answered. Throws Error(bad_input) for a stream in which no
// further request can be found, Error(io), Error(interrupted).
void run_worker(const WorkerOptions& options, const Work& work);

}  // namespace axle
