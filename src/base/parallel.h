#pragma once
// The ways in which axle uses several threads: these, and task_queue.h.

#include <cstddef>
#include <functional>
#include <thread>

namespace axle {

// Calls body(i) for every i in [0, count), on up to `jobs` threads, the caller's among them, handing out
// indices in order. Returns when all are done. When bodies throw, no new index is begun and the exception of
// the lowest failing index is rethrown; an interrupt stops it in the same way. The result must not depend on
// the order.
void parallel_for(std::size_t count, unsigned jobs, const std::function<void(std::size_t)>& body);

// The same for work whose results are needed in order: produce(i) runs on any thread, then consume(i) for
// i = 0, 1, ..., never two at once, by whichever thread is free. No index is begun before the one `window`
// before it was consumed, so that what is held stays bounded.
// A body that waits for another and learns that the other failed may throw Abandoned: the other's error is
// the one that is reported.
struct Abandoned {};
void parallel_in_order(std::size_t count, unsigned jobs, std::size_t window,
                       const std::function<void(std::size_t)>& produce,
                       const std::function<void(std::size_t)>& consume);

// To be called before a thread is started: threads that share a small table of descriptors wait long for its
// growth.
void grow_descriptor_table();

// To be called after a thread was started: that it begins at once where a processor is idle.
void move_elsewhere(std::thread::native_handle_type thread) noexcept;

// The number of processors this process may use, at least 1.
unsigned available_jobs() noexcept;

}  // namespace axle
