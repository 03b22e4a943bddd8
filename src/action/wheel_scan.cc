#include "action/wheel_scan.h"

#include <fcntl.h>

#include <cstring>
#include <vector>

namespace axle {
namespace {

// No digest, but equal where digests would be, as far as the directory can tell.
Sha256 stand_in(const Member& member) {
  static_assert(sizeof member.crc32 + sizeof member.size <= sizeof Sha256::bytes);
  Sha256 digest;
  std::memcpy(digest.bytes.data(), &member.crc32, sizeof member.crc32);
  std::memcpy(digest.bytes.data() + sizeof member.crc32, &member.size, sizeof member.size);
  return digest;
}

}  // namespace

WheelScan scan_wheel(const std::string& path, const std::string& name, FactsDetail detail) {
  const Archive archive = Archive::list(AT_FDCWD, path);
  WheelScan scan;
  scan.head = read_head(archive, WheelFilename::parse(name), path);
  const auto members = archive.members();
  std::vector<MemberFacts> facts(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const MemberRole& role = scan.head.roles[i];
    if (!role.path) continue;
    facts[i].size = members[i].size;
    if (role.executable) facts[i].flags = file_flag::executable;
    facts[i].sha256 = stand_in(members[i]);
  }
  scan.facts = make_facts(scan.head, facts, Sha256{}, detail);
  return scan;
}

}  // namespace axle
