#include "cli/memory.h"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace axle::cli {
namespace {

constexpr std::size_t mmap_threshold = 8 << 20;

}  // namespace

void keep_memory() noexcept {
  mallopt(M_MMAP_THRESHOLD, mmap_threshold);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
}

void expect_distributions(std::size_t count) noexcept {
  constexpr std::size_t for_each = 24 << 10;
  constexpr std::size_t most = mmap_threshold / 2;
  constexpr std::size_t page = 4096;
  const std::size_t size = std::min(count * for_each, most);
  void* block = std::malloc(size);
  if (block == nullptr) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(block) + size) / page * page;
#ifdef MADV_POPULATE_WRITE
  // An older kernel refuses, and nothing is lost.
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
#endif
  std::free(block);  // and it stays with the program
}

}  // namespace axle::cli
