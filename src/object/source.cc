#include "object/source.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace axle::object {

namespace {

constexpr bool host_is_big = std::endian::native == std::endian::big;

std::uint16_t swapped(std::uint16_t value) noexcept { return __builtin_bswap16(value); }
std::uint32_t swapped(std::uint32_t value) noexcept { return __builtin_bswap32(value); }
std::uint64_t swapped(std::uint64_t value) noexcept { return __builtin_bswap64(value); }

template <typename T>
T load(const char* at, bool big) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return big == host_is_big ? value : swapped(value);
}

template <typename T>
void store(char* at, T value, bool big) noexcept {
  if (big != host_is_big) value = swapped(value);
  std::memcpy(at, &value, sizeof value);
}

}  // namespace

std::uint16_t load16(const char* at, bool big) noexcept { return load<std::uint16_t>(at, big); }
std::uint32_t load32(const char* at, bool big) noexcept { return load<std::uint32_t>(at, big); }
std::uint64_t load64(const char* at, bool big) noexcept { return load<std::uint64_t>(at, big); }
void store16(char* at, std::uint16_t value, bool big) noexcept { store(at, value, big); }
void store32(char* at, std::uint32_t value, bool big) noexcept { store(at, value, big); }
void store64(char* at, std::uint64_t value, bool big) noexcept { store(at, value, big); }

const Source::Block& Source::block(std::uint64_t number, std::string_view what) {
  for (const Block& kept : blocks_) {
    if (kept.number == number) return kept;
  }
  Block& fresh = blocks_[next_];
  next_ = (next_ + 1) % blocks_.size();
  const std::uint64_t begin = number * block_size;
  fresh.number = UINT64_MAX;
  fresh.bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(block_size, size_ - begin)));
  if (!read_(begin, fresh.bytes.data(), fresh.bytes.size())) {
    throw Damage{std::string(what) + ": the file ends early"};
  }
  fresh.number = number;
  return fresh;
}

void Source::copy(std::uint64_t offset, char* into, std::size_t length, std::string_view what) {
  if (!contains(offset, length)) throw Damage{std::string(what) + " beyond the end of the file"};
  // A large range would only push the small ones out.
  if (length > 4 * block_size) {
    if (!read_(offset, into, length)) throw Damage{std::string(what) + ": the file ends early"};
    return;
  }
  while (length > 0) {
    const Block& from = block(offset / block_size, what);
    const auto skip = static_cast<std::size_t>(offset % block_size);
    const std::size_t part = std::min(length, from.bytes.size() - skip);
    std::memcpy(into, from.bytes.data() + skip, part);
    into += part;
    offset += part;
    length -= part;
  }
}

std::string Source::bytes(std::uint64_t offset, std::uint64_t length, std::string_view what) {
  if (!contains(offset, length)) throw Damage{std::string(what) + " beyond the end of the file"};
  std::string result(static_cast<std::size_t>(length), '\0');
  copy(offset, result.data(), result.size(), what);
  return result;
}

std::string Source::c_string(std::uint64_t offset, std::uint64_t limit, std::string_view what) {
  limit = std::min(limit, size_);
  if (offset >= limit) throw Damage{std::string(what) + " outside of its string table"};
  std::string result;
  while (offset < limit && result.size() <= max_name) {
    const Block& from = block(offset / block_size, what);
    const auto skip = static_cast<std::size_t>(offset % block_size);
    const auto part =
        static_cast<std::size_t>(std::min<std::uint64_t>(from.bytes.size() - skip, limit - offset));
    const char* begin = from.bytes.data() + skip;
    const char* end = static_cast<const char*>(std::memchr(begin, '\0', part));
    result.append(begin, end != nullptr ? static_cast<std::size_t>(end - begin) : part);
    if (end != nullptr) {
      names_ += result.size() + 1;
      if (names_ > max_names) throw Damage{"more names than an object can have"};
      return result;
    }
    offset += part;
  }
  throw Damage{std::string(what) + " does not end"};
}

}  // namespace axle::object
