#include "axle/archive/render.h"

#include <libdeflate.h>
#include <sys/stat.h>

#include <cstdint>

#include "archive/format.h"
#include "axle/base/error.h"

namespace axle {
namespace {

constexpr std::uint16_t needed_version = 20;
constexpr std::uint16_t made_on_unix = 3 << 8 | needed_version;
constexpr std::uint16_t first_date = 1 << 5 | 1;  // 1980-01-01

void put16(std::string& out, std::uint32_t value) {
  out += static_cast<char>(value & 0xff);
  out += static_cast<char>(value >> 8 & 0xff);
}

void put32(std::string& out, std::uint32_t value) {
  put16(out, value & 0xffff);
  put16(out, value >> 16);
}

// What the local and the central header have in common.
std::string common_fields(const NewMember& member) {
  const auto size = static_cast<std::uint32_t>(member.content.size());
  std::string fields;
  put16(fields, needed_version);
  put16(fields, zip::flag_utf8);
  put16(fields, zip::method_stored);
  put16(fields, 0);  // midnight
  put16(fields, first_date);
  put32(fields, libdeflate_crc32(0, member.content.data(), member.content.size()));
  put32(fields, size);
  put32(fields, size);
  put16(fields, static_cast<std::uint32_t>(member.name.size()));
  put16(fields, 0);  // no extra field
  return fields;
}

}  // namespace

std::string render_archive(std::span<const NewMember> members) {
  std::string out;
  std::string central;
  for (const NewMember& member : members) {
    const std::uint64_t end = out.size() + central.size() + member.content.size() + member.name.size();
    if (end > zip::saturated32 / 2 || members.size() >= zip::saturated16 ||
        member.name.size() >= zip::saturated16) {
      throw Error(ErrorCode::unsupported, "an archive of this size is not made");
    }
    const std::string fields = common_fields(member);
    const auto offset = static_cast<std::uint32_t>(out.size());
    put32(out, zip::local_signature);
    out += fields + member.name + member.content;
    put32(central, zip::central_signature);
    put16(central, made_on_unix);
    central += fields;
    put16(central, 0);  // no comment
    put16(central, 0);  // disk
    put16(central, 0);  // internal attributes
    put32(central, std::uint32_t{S_IFREG | 0644} << 16);
    put32(central, offset);
    central += member.name;
  }
  const auto start = static_cast<std::uint32_t>(out.size());
  out += central;
  put32(out, zip::end_signature);
  put32(out, 0);  // disks
  put16(out, static_cast<std::uint32_t>(members.size()));
  put16(out, static_cast<std::uint32_t>(members.size()));
  put32(out, static_cast<std::uint32_t>(central.size()));
  put32(out, start);
  put16(out, 0);  // no comment
  return out;
}

}  // namespace axle
