#pragma once
// Input of the object fuzz targets. What begins with "spoil\n" is a list of changes to a sound image: three
// bytes each, a place (two, little-endian) and a value; so the corpus is text. Anything else is taken as it
// is.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace axle::fuzz {

inline std::string object_input(const std::uint8_t* data, std::size_t size, std::string image) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view mark = "spoil\n";
  if (!input.starts_with(mark)) return std::string(input);
  for (std::size_t i = mark.size(); i + 3 <= size && !image.empty(); i += 3) {
    const std::size_t place = (std::size_t{data[i]} | (std::size_t{data[i + 1]} << 8)) % image.size();
    image[place] = static_cast<char>(data[i + 2]);
  }
  return image;
}

}  // namespace axle::fuzz
