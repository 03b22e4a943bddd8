#include "cli/memory.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/parallel.h"

namespace axle::cli {
namespace {

constexpr std::size_t mmap_threshold = 8 << 20;

}  // namespace

void keep_memory() noexcept {
  mallopt(M_MMAP_THRESHOLD, mmap_threshold);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
}

void use_large_page() noexcept {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t large = 2 << 20;
  constexpr std::size_t page = 4096;
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
  constexpr std::size_t most = mmap_threshold / 2;
  constexpr std::size_t page = 4096;
  const std::size_t size = std::min(count * for_each, most);
  void* block = std::malloc(size);
  if (block == nullptr) return {};
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(block) + size) / page * page;
  std::free(block);  // and it stays with the program
#ifdef MADV_POPULATE_WRITE
  // It changes nothing in memory, so it does not matter what that is used for meanwhile. An older kernel
  // refuses, and nothing is lost.
  if (begin < end) {
    grow_descriptor_table();
    return std::jthread([=] { madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE); });
  }
#endif
  return {};
}

}  // namespace axle::cli
