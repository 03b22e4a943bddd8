#pragma once
// How this program, which runs for milliseconds, deals with memory.

#include <cstddef>

namespace axle::cli {

// Memory that is freed is wanted again soon. Given back to the kernel it would come back page by page, and
// that costs more than all else in a run of a few milliseconds.
void keep_memory() noexcept;

// Gets what planning so many distributions will want at once: page by page the kernel takes several times as
// long.
void expect_distributions(std::size_t count) noexcept;

}  // namespace axle::cli
