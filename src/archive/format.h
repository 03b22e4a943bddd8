#pragma once
// The numbers of the zip format, and how this room reads and refuses. spec: PKWARE APPNOTE 6.3.10,
// section 4.3.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace axle::zip {

constexpr std::uint32_t local_signature = 0x04034b50;
constexpr std::uint32_t descriptor_signature = 0x08074b50;
constexpr std::uint32_t central_signature = 0x02014b50;
constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t zip64_end_signature = 0x06064b50;
constexpr std::uint32_t zip64_locator_signature = 0x07064b50;

constexpr std::size_t local_size = 30;
constexpr std::size_t central_size = 46;
constexpr std::size_t end_size = 22;
constexpr std::size_t zip64_end_size = 56;
constexpr std::size_t zip64_locator_size = 20;

// A 16- or 32-bit field that holds this has its value in a ZIP64 record.
constexpr std::uint16_t saturated16 = 0xffff;
constexpr std::uint32_t saturated32 = 0xffffffff;

constexpr std::uint16_t flag_encrypted = 1U << 0;
constexpr std::uint16_t flag_descriptor = 1U << 3;
constexpr std::uint16_t flag_strong_encryption = 1U << 6;
constexpr std::uint16_t flag_utf8 = 1U << 11;
constexpr std::uint16_t flag_masked = 1U << 13;

constexpr std::uint16_t method_stored = 0;
constexpr std::uint16_t method_deflate = 8;

// Little-endian numbers; the caller has seen to it that they lie within `bytes`.
constexpr std::uint16_t le16(std::string_view bytes, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(bytes[at + i]));
  };
  return static_cast<std::uint16_t>(byte(0) | byte(1) << 8);
}
constexpr std::uint32_t le32(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint32_t>(le16(bytes, at)) | static_cast<std::uint32_t>(le16(bytes, at + 2)) << 16;
}
constexpr std::uint64_t le64(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint64_t>(le32(bytes, at)) | static_cast<std::uint64_t>(le32(bytes, at + 4)) << 32;
}

// The file under audit.
struct Source {
  const Fd& fd;
  const std::string& name;
  std::uint64_t size;
  std::uint64_t serial = 0;  // tells open archives apart, where nothing may be mixed up between them; 0: none
  const char* memory = nullptr;  // all of it, when it is no file

  // Bytes that lie within the archive. Throws Error(io).
  void read(char* into, std::size_t count, std::uint64_t offset) const;
};

// Throw Error(bad_input) at the archive; the second quotes the member's raw name first.
[[noreturn]] void refuse(const Source& source, const std::string& message, std::string hint = {});
[[noreturn]] void refuse_member(const Source& source, std::string_view raw_name, const std::string& message);

// "1 byte", "17 bytes".
std::string count_bytes(std::uint64_t count);

}  // namespace axle::zip
