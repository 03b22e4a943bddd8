#include "plan/launcher_zip.h"

#include <cstdint>

#include "axle/base/error.h"

namespace axle {
namespace {

std::uint32_t crc32_of(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

void put(std::string& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

}  // namespace

std::string render_main_zip(std::string_view main_py) {
  constexpr std::string_view name = "__main__.py";
  constexpr std::uint32_t date_1980 = 0x0021;  // the first day that a zip can name
  if (main_py.size() > (64U << 20)) throw Error(ErrorCode::bad_input, "a launcher's program is too large");
  const auto size = static_cast<std::uint32_t>(main_py.size());
  const std::uint32_t crc = crc32_of(main_py);

  // The same fields stand in both headers. spec: APPNOTE 4.3.7, 4.3.12; method 0, version 2.0.
  std::string common;
  put(common, 20, 2);
  put(common, 0, 2);
  put(common, 0, 2);
  put(common, 0, 2);
  put(common, date_1980, 2);
  put(common, crc, 4);
  put(common, size, 4);
  put(common, size, 4);
  put(common, static_cast<std::uint32_t>(name.size()), 2);
  put(common, 0, 2);

  std::string zip = "PK\x03\x04" + common + std::string(name) + std::string(main_py);
  const auto directory = static_cast<std::uint32_t>(zip.size());
  zip += "PK\x01\x02";
  put(zip, 20, 2);
  zip += common;
  put(zip, 0, 2);  // comment
  put(zip, 0, 2);  // disk
  put(zip, 0, 2);
  put(zip, 0, 4);
  put(zip, 0, 4);  // offset of the local header
  zip += name;
  const auto directory_size = static_cast<std::uint32_t>(zip.size()) - directory;
  zip += "PK\x05\x06";
  put(zip, 0, 4);
  put(zip, 1, 2);
  put(zip, 1, 2);
  put(zip, directory_size, 4);
  put(zip, directory, 4);
  put(zip, 0, 2);
  return zip;
}

}  // namespace axle
