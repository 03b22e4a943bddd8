#pragma once
// The only way in which axle uses several threads.

#include <cstddef>
#include <functional>

namespace axle {

// Calls body(i) for every i in [0, count), on up to `jobs` threads, the caller's among them, handing out
// indices in order. Returns when all are done. When bodies throw, no new index is begun and the exception of
// the lowest failing index is rethrown; an interrupt stops it in the same way. The result must not depend on
// the order.
void parallel_for(std::size_t count, unsigned jobs, const std::function<void(std::size_t)>& body);

// The number of processors this process may use, at least 1.
unsigned available_jobs() noexcept;

}  // namespace axle
