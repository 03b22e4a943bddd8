#include "object/macho_edit.h"

#include <algorithm>

#include "axle/base/error.h"
#include "object/macho_read.h"
#include "object/macho_signature.h"

namespace axle::object {

using namespace macho;

namespace {

[[noreturn]] void refuse(std::string reason, std::string hint = {}) {
  throw Error(ErrorCode::unsupported, std::move(reason), std::move(hint));
}

// A load command whose text starts behind `fixed` bytes, padded as the class wants.
std::string text_command(const MachoHeader& header, std::string_view head, std::string_view text,
                         std::uint32_t least) {
  const std::size_t unit = header.is64 ? 8 : 4;
  std::size_t size = (head.size() + text.size() + 1 + unit - 1) / unit * unit;
  size = std::max<std::size_t>(size, least);
  std::string command(head);
  command += text;
  command.resize(size, '\0');
  store32(command.data() + 4, static_cast<std::uint32_t>(size), header.big);
  return command;
}

std::string rpath_command(const MachoHeader& header, std::string_view path) {
  constexpr std::uint32_t fixed = 12;
  char head[fixed];
  store32(head, lc_rpath, header.big);
  store32(head + 4, 0, header.big);
  store32(head + 8, fixed, header.big);
  return text_command(header, std::string_view(head, fixed), path, 0);
}

// LC_ID_DYLIB and its like with another name; in its old size where that suffices.
std::string renamed_command(const MachoImage& image, const MachoCommand& command, std::string_view name) {
  constexpr std::uint32_t fixed = 24;
  if (command.size < fixed) throw Damage{"a library's load command cut short"};
  std::string head = image.commands.substr(command.at, fixed);
  store32(head.data() + 8, fixed, image.header.big);
  return text_command(image.header, head, name, command.size);
}

bool is_library(std::uint32_t kind) {
  return kind == lc_load_dylib || kind == lc_load_weak_dylib || kind == lc_reexport_dylib ||
         kind == lc_lazy_load_dylib || kind == lc_load_upward_dylib;
}

struct Commands {
  std::string bytes;
  std::uint32_t count = 0;

  void add(std::string_view command) {
    bytes += command;
    ++count;
  }
};

Commands edited_commands(const MachoImage& image, const RpathEdit& edit) {
  Commands result;
  bool rpaths_done = false;
  const auto add_rpaths_once = [&] {
    if (rpaths_done) return;
    rpaths_done = true;
    for (const std::string& path : edit.entries) result.add(rpath_command(image.header, path));
  };
  bool has_id = false;
  for (const MachoCommand& command : image.list) {
    const std::string_view own = std::string_view(image.commands).substr(command.at, command.size);
    if (command.kind == lc_rpath) {
      add_rpaths_once();
    } else if (command.kind == lc_id_dylib && edit.install_name) {
      has_id = true;
      result.add(renamed_command(image, command, *edit.install_name));
    } else if (is_library(command.kind)) {
      const std::string name = image.text(command, 8, "the name of a needed library");
      const auto rename = std::find_if(edit.needed.begin(), edit.needed.end(),
                                       [&](const RpathEdit::Rename& each) { return each.from == name; });
      result.add(rename == edit.needed.end() ? std::string(own)
                                             : renamed_command(image, command, rename->to));
    } else {
      result.add(own);
    }
  }
  add_rpaths_once();
  if (edit.install_name && !has_id) refuse("it has no install name");
  return result;
}

// Where in the slice the first bytes lie that are no load commands.
std::uint64_t find_room(const MachoImage& image, std::uint64_t slice_size) {
  std::uint64_t room = slice_size;
  const auto limit = [&](std::uint64_t offset) {
    if (offset >= image.header.size()) room = std::min(room, offset);
  };
  for (const MachoCommand& command : image.list) {
    const bool wide = command.kind == lc_segment_64;
    if (!wide && command.kind != lc_segment) continue;
    const std::uint32_t fixed = wide ? 72 : 56, section_size = wide ? 80 : 68;
    if (command.size < fixed) throw Damage{"a segment's load command cut short"};
    const char* at = image.commands.data() + command.at;
    const bool big = image.header.big;
    const std::uint64_t file_offset = wide ? load64(at + 40, big) : load32(at + 32, big);
    const std::uint64_t file_size = wide ? load64(at + 48, big) : load32(at + 36, big);
    if (file_size > 0 && file_offset > 0) limit(file_offset);
    const std::uint32_t sections = load32(at + fixed - 8, big);
    if (sections > (command.size - fixed) / section_size)
      throw Damage{"more sections than their segment can hold"};
    for (std::uint32_t i = 0; i < sections; ++i) {
      const std::uint32_t offset = load32(at + fixed + i * section_size + (wide ? 48 : 40), big);
      // Sections without bytes in the file have no offset.
      if (offset > 0) limit(offset);
    }
  }
  return room;
}

void edit_slice(Source& source, const MachoSlice& slice, const RpathEdit& edit, EditPlan& plan) {
  const MachoImage image = read_macho_image(source, slice);
  const MachoHeader& header = image.header;
  if (header.filetype == 1) refuse("it is not a linked object");
  Commands commands = edited_commands(image, edit);
  // What stands behind the last command, if anything, is not ours to drop.
  std::uint32_t used = 0;
  for (const MachoCommand& command : image.list) used = command.at + command.size;
  if (used != header.commands_size) throw Damage{"load commands that their count does not reach"};
  if (commands.bytes == image.commands) return;

  const std::uint64_t room = find_room(image, slice.size) - header.size();
  if (commands.bytes.size() > room) {
    refuse("its header has room for " +
               std::to_string(room - std::min<std::uint64_t>(room, header.commands_size)) +
               " more bytes of load commands, and " +
               std::to_string(commands.bytes.size() - header.commands_size) + " are needed",
           "link it with -headerpad_max_install_names, or use a shorter path");
  }
  const std::uint64_t end = slice.offset + header.size() + header.commands_size;
  if (commands.bytes.size() > header.commands_size) {
    const std::string behind =
        source.bytes(end, commands.bytes.size() - header.commands_size, "header padding");
    if (behind.find_first_not_of('\0') != std::string::npos)
      refuse("the bytes behind its load commands are in use");
  }
  std::vector<BytePatch> patches;
  std::string counts(8, '\0');
  store32(counts.data(), commands.count, header.big);
  store32(counts.data() + 4, static_cast<std::uint32_t>(commands.bytes.size()), header.big);
  patches.push_back({slice.offset + 16, std::move(counts)});
  commands.bytes.resize(std::max<std::size_t>(commands.bytes.size(), header.commands_size), '\0');
  patches.push_back({slice.offset + header.size(), std::move(commands.bytes)});
  const std::vector<BytePatch> hashes = sign_again(source, slice, image, patches);
  plan.patches.insert(plan.patches.end(), patches.begin(), patches.end());
  plan.patches.insert(plan.patches.end(), hashes.begin(), hashes.end());
  plan.method = "load commands";
}

}  // namespace

EditPlan plan_macho_edit(Source& source, const RpathEdit& edit) {
  EditPlan plan;
  plan.size = source.size();
  plan.method = "none";
  for (const MachoSlice& slice : read_macho_slices(source)) edit_slice(source, slice, edit, plan);
  return plan;
}

}  // namespace axle::object
