#pragma once
// Bounded reading of a file that lies: blocks are fetched as they are asked for and a few are kept, so that
// an object costs a handful of small reads, and what is outside the file is an exception and never memory.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "axle/object/object_facts.h"

namespace axle::object {

// Thrown by the readers of this room where a file is damaged; read_object turns it into ObjectFacts::error.
struct Damage {
  std::string what;
};

class Source {
 public:
  Source(const ReadAt& read, std::uint64_t size) : read_(read), size_(size) {}

  std::uint64_t size() const noexcept { return size_; }
  // True when [offset, offset + length) lies in the file.
  bool contains(std::uint64_t offset, std::uint64_t length) const noexcept {
    return offset <= size_ && length <= size_ - offset;
  }

  // Each throws Damage when the range is not in the file; `what` names it ("program headers").
  void copy(std::uint64_t offset, char* into, std::size_t length, std::string_view what);
  std::string bytes(std::uint64_t offset, std::uint64_t length, std::string_view what);
  // A string that ends with NUL before `limit` (an offset in the file) and within max_name bytes.
  std::string c_string(std::uint64_t offset, std::uint64_t limit, std::string_view what);

  static constexpr std::size_t max_name = 65536;
  // Bytes of all names of one object; one that has more is damaged.
  static constexpr std::size_t max_names = 4U << 20;

 private:
  static constexpr std::size_t block_size = 4096;
  struct Block {
    std::uint64_t number = UINT64_MAX;
    std::vector<char> bytes;
  };
  const Block& block(std::uint64_t number, std::string_view what);

  const ReadAt& read_;
  std::uint64_t size_;
  std::array<Block, 16> blocks_;
  std::size_t next_ = 0;
  std::size_t names_ = 0;
};

// Integers of either byte order at `at`, which must hold them.
std::uint16_t load16(const char* at, bool big) noexcept;
std::uint32_t load32(const char* at, bool big) noexcept;
std::uint64_t load64(const char* at, bool big) noexcept;
void store16(char* at, std::uint16_t value, bool big) noexcept;
void store32(char* at, std::uint32_t value, bool big) noexcept;
void store64(char* at, std::uint64_t value, bool big) noexcept;

}  // namespace axle::object
