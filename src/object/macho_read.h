#pragma once
// Mach-O, thin and fat. spec: <mach-o/loader.h>, <mach-o/fat.h>.

#include "object/source.h"

namespace axle::object {

// True for the first bytes (at least 8) of a thin or fat Mach-O file.
bool is_macho(std::string_view first) noexcept;

// Fills `facts` as far as the file is sound, then throws Damage where it is not.
void read_macho(Source& source, ObjectFacts& facts);

// One Mach-O image in a file: the whole of a thin one, one architecture of a fat one.
struct MachoSlice {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
// In file order; throws Damage.
std::vector<MachoSlice> read_macho_slices(Source& source);

struct MachoHeader {
  bool is64 = false;
  bool big = false;
  std::uint32_t cpu = 0;
  std::uint32_t subtype = 0;
  std::uint32_t filetype = 0;
  std::uint32_t command_count = 0;
  std::uint32_t commands_size = 0;

  std::size_t size() const noexcept { return is64 ? 32 : 28; }
};

struct MachoCommand {
  std::uint32_t kind = 0;
  std::uint32_t at = 0;    // within the commands
  std::uint32_t size = 0;  // the first eight bytes included
};

// The header of one slice with the bytes of its load commands.
struct MachoImage {
  MachoHeader header;
  std::string commands;
  std::vector<MachoCommand> list;

  std::uint32_t word(std::uint32_t at) const noexcept { return load32(commands.data() + at, header.big); }
  // The text of an lc_str at `field` within the command; throws Damage.
  std::string text(const MachoCommand& command, std::uint32_t field, std::string_view what) const;
};
MachoImage read_macho_image(Source& source, const MachoSlice& slice);

namespace macho {
constexpr std::uint32_t lc_req_dyld = 0x80000000;
constexpr std::uint32_t lc_segment = 0x1, lc_segment_64 = 0x19, lc_load_dylib = 0xc, lc_id_dylib = 0xd,
                        lc_code_signature = 0x1d, lc_lazy_load_dylib = 0x20, lc_version_min_macosx = 0x24,
                        lc_build_version = 0x32;
constexpr std::uint32_t lc_load_weak_dylib = 0x18 | lc_req_dyld, lc_rpath = 0x1c | lc_req_dyld,
                        lc_reexport_dylib = 0x1f | lc_req_dyld, lc_load_upward_dylib = 0x23 | lc_req_dyld;
}  // namespace macho

}  // namespace axle::object
