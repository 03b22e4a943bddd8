#pragma once

#include "action/request.h"

namespace axle {

// What options say together. Throws Error(usage).
void check_request(const ActionRequest& request);

}  // namespace axle
