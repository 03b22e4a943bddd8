#pragma once
// How this program, which runs for milliseconds, deals with memory.

#include <cstddef>
#include <cstdint>
#include <thread>

namespace axle::cli {

// Memory that is freed is wanted again soon. Given back to the kernel it would come back page by page, and
// that costs more than all else in a run of a few milliseconds.
void keep_memory() noexcept;

// Lets the heap go on in one large page, where the kernel has those for programs that ask: for programs that
// run for a millisecond or two and touch a megabyte, of which 4 KiB pages, one after another, cost a tenth.
void use_large_page() noexcept;

// Gets what planning so many distributions will want at once: page by page the kernel takes several times as
// long. A thread does it while the program goes on.
[[nodiscard]] std::jthread expect_distributions(std::size_t count);

// The same for what downloads of so many bytes into memory will want at one time: mostly done before the
// first of them comes. From then on also large blocks are taken from memory that was in use before.
[[nodiscard]] std::jthread expect_downloads(std::uint64_t bytes);

}  // namespace axle::cli
