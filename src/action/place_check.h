#pragma once

#include "action/action.h"
#include "action/request.h"

namespace axle {

// The same as check_request() says of inputs and outputs, by what the paths lead to: through a linked
// directory an output can lie in a tree that is an input, or an input in the tree that is replaced. Reads
// nothing but the status of directories. Throws Error(usage).
void check_places(const ActionRequest& request, const ActionContext& context);

}  // namespace axle
