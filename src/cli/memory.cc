#include "cli/memory.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <system_error>

#include "base/parallel.h"

namespace axle::cli {
namespace {

constexpr std::size_t mmap_threshold = 8 << 20;
constexpr std::size_t small_page = 4096;
constexpr std::size_t large_page = 2 << 20;

enum class Pages { any, large };

// Of the heap, what is asked for next.
std::jthread expect(std::size_t size, Pages pages) {
  const std::size_t page = pages == Pages::large ? large_page : small_page;
  void* block = std::malloc(size);
  if (block == nullptr) return {};
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(block) + size) / page * page;
  std::free(block);  // and it stays with the program
  if (begin >= end) return {};
#ifdef MADV_HUGEPAGE
  if (pages == Pages::large) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
#ifdef MADV_POPULATE_WRITE
  // It changes nothing in memory, so it does not matter what that is used for meanwhile. An older kernel
  // refuses, and nothing is lost.
  grow_descriptor_table();
  try {
    std::jthread thread([=] { madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE); });
    move_elsewhere(thread.native_handle());
    return thread;
  } catch (const std::system_error&) {
    return {};  // none may be started
  }
#else
  return {};
#endif
}

}  // namespace

void keep_memory() noexcept {
  mallopt(M_MMAP_THRESHOLD, mmap_threshold);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
}

void use_large_page() noexcept {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t large = large_page;
  constexpr std::size_t page = small_page;
  // malloc sees that the heap's end was moved, and goes on there: with one small page for the head of a block
  // that covers the large one, in which nothing may be touched before it is asked for.
  const auto end = reinterpret_cast<std::uintptr_t>(sbrk(0));
  const std::size_t before = (large - (end + page) % large) % large;
  if (sbrk(static_cast<std::intptr_t>(before)) == reinterpret_cast<void*>(-1)) return;
  const std::uintptr_t begin = end + before + page;
  void* block = std::malloc(large + page);
  const auto at = reinterpret_cast<std::uintptr_t>(block);
  if (at < begin && at + large + page > begin + large)
    madvise(reinterpret_cast<void*>(begin), large, MADV_HUGEPAGE);
  std::free(block);  // and it stays with the program
#endif
}

std::jthread expect_distributions(std::size_t count) {
  constexpr std::size_t for_each = 24 << 10;
  return expect(std::min(count * for_each, mmap_threshold / 2), Pages::any);
}

std::jthread expect_downloads(std::uint64_t bytes) {
  // As much is under way, or waits to be unpacked, with a server that is near (src/store/http.cc).
  constexpr std::uint64_t most = 31 << 20;
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that glibc takes
  return expect(static_cast<std::size_t>(std::min(bytes, most)), Pages::large);
}

}  // namespace axle::cli
