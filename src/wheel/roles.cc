#include "wheel/roles.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <utility>

#include "axle/base/error.h"
#include "axle/wheel/dist_info.h"
#include "base/text.h"

namespace axle {
namespace {

[[noreturn]] void refuse(std::string_view member, std::string_view what, std::string_view hint = {}) {
  throw Error(ErrorCode::bad_input, quoted(member) + " " + std::string(what), std::string(hint));
}

// "a" of "a/b", and "b" is left; the whole when there is no '/'.
std::string_view take_component(std::string_view& path) noexcept {
  const std::size_t slash = path.find('/');
  const auto first = path.substr(0, slash);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  return first;
}

// spec (de facto): uv and pip refuse programs that replace the interpreter; cli.md adds all that the
// environment has for itself.
void check_own_files(std::string_view member, Scheme scheme, std::string_view path) {
  constexpr std::string_view hint = "such a file would replace one of the environment's own";
  if (scheme == Scheme::scripts && is_reserved_script_name(path)) {
    refuse(member, "is a script with a name that belongs to the environment", hint);
  }
  if (scheme != Scheme::data) return;
  auto rest = path;
  const auto first = take_component(rest);
  if (ascii_iequal(path, "pyvenv.cfg") || ascii_iequal(first, ".axle")) {
    refuse(member, "lies on one of the environment's own files", hint);
  }
  if ((ascii_iequal(first, "bin") || ascii_iequal(first, "scripts")) && is_reserved_script_name(rest)) {
    refuse(member, "is a program with a name that belongs to the environment", hint);
  }
}

// Another distribution's metadata must not be changed by the back door.
void check_dist_infos(std::string_view member, Scheme scheme, std::string_view path, std::string_view own) {
  const auto foreign = [&](std::string_view name) { return name.ends_with(".dist-info") && name != own; };
  bool found = false;
  if (is_lib(scheme)) {
    found = foreign(path.substr(0, path.find('/')));
  } else if (scheme == Scheme::data) {
    bool in_site_packages = false;
    while (!path.empty()) {
      const auto component = take_component(path);
      if (in_site_packages && foreign(component)) found = true;
      in_site_packages = ascii_iequal(component, "site-packages") || ascii_iequal(component, "dist-packages");
    }
  }
  if (found) {
    throw Error(ErrorCode::conflict, quoted(member) + " lies in the metadata of another distribution");
  }
}

// A module or package that site imports at every start.
bool is_customize(std::string_view path) noexcept {
  const auto top = path.substr(0, path.find_first_of("./"));
  return top == "sitecustomize" || top == "usercustomize";
}

}  // namespace

Want want_of(Scheme scheme, std::string_view path) noexcept {
  if (!is_lib(scheme)) return Want::head;
  if (path.substr(path.rfind('/') + 1) == "__init__.py") return Want::whole;
  if (path.find('/') != std::string_view::npos) return Want::head;
  return path.ends_with(".pth") || path.ends_with(".start") || is_customize(path) ? Want::whole : Want::head;
}

namespace {

class Assigner {
 public:
  explicit Assigner(const WheelDirs& dirs) : dirs_(dirs) {}

  MemberRole assign(const Member& member) {
    MemberRole role;
    role.scheme = dirs_.root_scheme;
    std::string_view path = member.name;
    auto rest = path;
    if (dirs_.data_dir && take_component(rest) == *dirs_.data_dir) {
      if (rest.empty()) {
        if (!member.is_directory) refuse(member.name, "should be a directory");
        return role;
      }
      const auto key = take_component(rest);
      const auto scheme = parse_scheme(key);
      // spec: "Binary distribution format": unknown keys are errors.
      if (!scheme || (rest.empty() && !member.is_directory)) {
        refuse(member.name, "is not in one of purelib, platlib, scripts, headers, data");
      }
      if (rest.empty()) return role;
      role.scheme = *scheme;
      role.from_data = true;
      path = rest;
    }
    if (role.scheme == Scheme::scripts && path.find('/') != std::string_view::npos) {
      refuse(member.name, "lies in a directory among the scripts, which holds files only");
    }
    if (member.is_directory) {
      if (role.scheme == Scheme::scripts) refuse(member.name, "is a directory among the scripts");
      return role;
    }
    if (role.from_data) {
      check_own_files(member.name, role.scheme, path);
      check_dist_infos(member.name, role.scheme, path, dirs_.dist_info);
    }
    if (is_lib(role.scheme)) {
      auto below = path;
      if (take_component(below) == dirs_.dist_info && is_installers_file(below)) return role;
    }
    role.path = RelPath::try_parse(path);
    if (!role.path) refuse(member.name, rel_path_fault(path));
    role.want = want_of(role.scheme, path);
    role.executable =
        role.scheme == Scheme::scripts || (S_ISREG(member.unix_mode) && (member.unix_mode & 0111) != 0);
    return role;
  }

 private:
  const WheelDirs& dirs_;
};

// One path from the root and from .data. What is equal by size and CRC is compared by digest when it has been
// read.
void check_itself(std::span<const Member> members, std::span<const MemberRole> roles) {
  std::map<std::pair<Scheme, std::string_view>, std::size_t> from_data;
  const auto key = [](const MemberRole& role) {
    const Scheme scheme = is_lib(role.scheme) ? Scheme::purelib : role.scheme;
    return std::pair<Scheme, std::string_view>{scheme, role.path->str()};
  };
  const auto check = [&](std::size_t a, std::size_t b) {
    if (members[a].size == members[b].size && members[a].crc32 == members[b].crc32) return;
    throw Error(ErrorCode::bad_input, "the wheel contradicts itself: " + quoted(members[a].name) + " and " +
                                          quoted(members[b].name) + " are for one place and differ");
  };
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (!roles[i].path || !roles[i].from_data) continue;
    const auto [at, fresh] = from_data.emplace(key(roles[i]), i);
    if (!fresh) check(at->second, i);
  }
  if (from_data.empty()) return;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (!roles[i].path || roles[i].from_data) continue;
    const auto found = from_data.find(key(roles[i]));
    if (found != from_data.end()) check(found->second, i);
  }
}

}  // namespace

std::vector<MemberRole> assign_roles(std::span<const Member> members, const WheelDirs& dirs) {
  Assigner assigner(dirs);
  std::vector<MemberRole> roles;
  roles.reserve(members.size());
  for (const Member& member : members) roles.push_back(assigner.assign(member));
  check_itself(members, roles);
  return roles;
}

}  // namespace axle
