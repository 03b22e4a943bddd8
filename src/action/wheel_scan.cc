#include "action/wheel_scan.h"

#include <fcntl.h>

#include <vector>

namespace axle {

WheelScan scan_wheel(const std::string& path, const std::string& name) {
  const Archive archive = Archive::open(AT_FDCWD, path);
  WheelScan scan;
  scan.head = read_head(archive, WheelFilename::parse(name), path);
  const auto members = archive.members();
  std::vector<MemberFacts> facts(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const MemberRole& role = scan.head.roles[i];
    if (!role.path) continue;
    facts[i].size = members[i].size;
    if (role.executable) facts[i].flags = file_flag::executable;
    facts[i].sha256 =
        Sha256::of("crc " + std::to_string(members[i].crc32) + " of " + std::to_string(members[i].size));
  }
  scan.facts = make_facts(scan.head, facts, Sha256{});
  return scan;
}

}  // namespace axle
