#pragma once
// The readers, one for each format; format.cc holds the table of them.

#include <string_view>

#include "axle/lock/lock.h"
#include "axle/lock/parse.h"

namespace axle::lockfile {

Lock read_requirements(std::string_view text, const LockContext& context);
Lock read_pylock(std::string_view text, const LockContext& context);
Lock read_uv_lock(std::string_view text, const LockContext& context);
Lock read_poetry_lock(std::string_view text, const LockContext& context);
Lock read_pdm_lock(std::string_view text, const LockContext& context);
Lock read_pipfile_lock(std::string_view text, const LockContext& context);

}  // namespace axle::lockfile
