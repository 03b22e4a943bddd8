#pragma once
// `axle action layer`: wheels to one layer of a container image, with no environment between.

#include <string>
#include <vector>

#include "action/action.h"
#include "action/outputs.h"

namespace axle {

// Stages the layer, and the JSON and mtree that go with it, as outputs.
void make_layer(const ActionRequest& request, const ActionContext& context, Outputs& outputs,
                Diagnostics& notes);

}  // namespace axle
