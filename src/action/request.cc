#include "action/request.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "action/foreign_options.h"
#include "action/request_check.h"
#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "base/text.h"
#include "plan/launcher_flags.h"

namespace axle {
namespace {

using Request = ActionRequest;

[[noreturn]] void bad_value(std::string_view option, std::string_view value, std::string hint) {
  throw Error(ErrorCode::usage, std::string(option) + " " + quoted(value) + " makes no sense",
              std::move(hint));
}

template <class Value>
struct Word {
  std::string_view word;
  Value value;
};
template <class Value, std::size_t size>
Value choose(const Word<Value> (&words)[size], std::string_view option, std::string_view value) {
  std::string known;
  for (const auto& one : words) {
    if (one.word == value) return one.value;
    known += (known.empty() ? "" : ", ") + std::string(one.word);
  }
  bad_value(option, value, "one of " + known);
}

constexpr Word<Operation> operations[] = {{"unpack", Operation::unpack},     {"merge", Operation::merge},
                                          {"venv", Operation::venv},         {"inspect", Operation::inspect},
                                          {"launcher", Operation::launcher}, {"layer", Operation::layer}};
constexpr Word<LauncherKind> launchers[] = {
    {"script", LauncherKind::script}, {"sh", LauncherKind::sh}, {"native", LauncherKind::native}};
constexpr Word<LayoutKind> layouts[] = {{"venv", LayoutKind::venv},
                                        {"target", LayoutKind::target},
                                        {"flat", LayoutKind::target},
                                        {"prefix", LayoutKind::prefix}};
constexpr Word<LinkMode> link_modes[] = {{"auto", LinkMode::automatic},
                                         {"copy", LinkMode::copy},
                                         {"hardlink", LinkMode::hardlink},
                                         {"symlink", LinkMode::symlink},
                                         {"clone", LinkMode::clone}};
constexpr Word<VerifyLevel> levels[] = {{"record", VerifyLevel::record},
                                        {"strict", VerifyLevel::strict},
                                        {"archive", VerifyLevel::archive},
                                        {"none", VerifyLevel::none}};
constexpr Word<HookPolicy> hook_policies[] = {
    {"allow", HookPolicy::allow}, {"warn", HookPolicy::warn}, {"deny", HookPolicy::deny}};
constexpr Word<ConflictPolicy> conflict_policies[] = {
    {"error", ConflictPolicy::error}, {"first", ConflictPolicy::first}, {"last", ConflictPolicy::last}};
constexpr Word<RpathPolicy> rpath_policies[] = {
    {"auto", RpathPolicy::automatic}, {"fix", RpathPolicy::fix}, {"keep", RpathPolicy::keep}};
constexpr Word<Request::Interpreter> interpreters[] = {{"auto", Request::Interpreter::automatic},
                                                       {"link", Request::Interpreter::link},
                                                       {"none", Request::Interpreter::none}};
constexpr Word<Request::DepStyle> dep_styles[] = {{"make", Request::DepStyle::make},
                                                  {"ninja", Request::DepStyle::make},
                                                  {"lines", Request::DepStyle::lines},
                                                  {"buck2", Request::DepStyle::lines}};

std::uint64_t number(std::string_view option, std::string_view value) {
  std::uint64_t result = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
  constexpr std::uint64_t most = std::uint64_t{1} << 40;
  if (error != std::errc() || end != value.data() + value.size() || result > most)
    bad_value(option, value, "a number");
  return result;
}

void add_source(Request& request, ActionSource::Kind kind, std::string_view path) {
  if (path.empty()) throw Error(ErrorCode::usage, "an input has an empty path");
  request.sources.push_back({kind, std::string(path), {}, {}});
}

ActionSource& last_source(Request& request, std::string_view option, ActionSource::Kind kind) {
  if (request.sources.empty() || request.sources.back().kind != kind) {
    throw Error(ErrorCode::usage, std::string(option) + " belongs to the " +
                                      (kind == ActionSource::Kind::wheel ? "--wheel" : "--tree") +
                                      " before it, and there is none");
  }
  return request.sources.back();
}

void set_facts(Request& request, std::string_view option, std::string_view value) {
  if (request.sources.empty())
    throw Error(ErrorCode::usage, std::string(option) + " belongs to the input before it, and there is none");
  request.sources.back().facts = value;
}

void set_conflicts(Request& request, std::string_view option, std::string_view value) {
  const std::size_t equals = value.rfind('=');
  if (equals == std::string_view::npos) {
    request.policy.on_conflict = choose(conflict_policies, option, value);
  } else {
    request.policy.conflict_rules.push_back(
        {std::string(value.substr(0, equals)), choose(conflict_policies, option, value.substr(equals + 1))});
  }
}

// rules_py's words: whoever comes last wins, with a warning or without.
void set_collisions(Request& request, std::string_view option, std::string_view value) {
  if (value == "warning" || value == "ignore") {
    request.policy.on_conflict = ConflictPolicy::last;
    request.collisions_warned = value == "warning";
  } else {
    set_conflicts(request, option, value);
  }
}

void set_times(Request& request, std::string_view option, std::string_view value) {
  request.times = value == "archive" ? Request::Times::archive
                  : value == "now"   ? Request::Times::now
                                     : Request::Times::given;
  if (request.times == Request::Times::given) request.time = static_cast<std::int64_t>(number(option, value));
}

void add_prune_rule(Request& request, std::string_view option, std::string_view value) {
  PruneRules& rules = request.policy.prune;
  if (const auto prune_class = parse_prune_class(value)) {
    rules.classes.insert(*prune_class);
    return;
  }
  const bool keeps = value.starts_with('!');
  const std::string_view glob = keeps ? value.substr(1) : value;
  // A lone word that is no class is a typing error more likely than a glob.
  if (glob.find_first_of("*?/.") == std::string_view::npos)
    bad_value(option, value, "tests, stubs, headers, byte-code; a glob has *, ?, / or a dot in it");
  (keeps ? rules.kept : rules.globs).emplace_back(glob);
}

// rules_py's exclusions: paths below site-packages, of which a directory stands for all below it.
void add_excluded(Request& request, std::string_view option, std::string_view value) {
  constexpr const char* hint =
      "a path below site-packages; * stands for a part of a name, ** for any directories";
  for (const std::string_view part : split(value, '/')) {
    const bool deep = part.find("**") != std::string_view::npos && part != "**";
    if (part.empty() || part == "." || part == ".." || deep ||
        part.find_first_of(":?[]\\") != std::string_view::npos)
      bad_value(option, value, hint);
  }
  request.policy.prune.globs.emplace_back(value);
  request.policy.prune.globs.push_back(std::string(value) + "/**");
}

constexpr Word<std::optional<PycCheck>> pyc_checks[] = {{"unchecked-hash", PycCheck::unchecked},
                                                        {"checked-hash", PycCheck::checked},
                                                        {"timestamp", std::nullopt}};

void set_pyc_check(Request& request, std::string_view option, std::string_view value) {
  const auto check = choose(pyc_checks, option, value);
  if (!check) {
    throw Error(ErrorCode::unsupported, std::string(option) + " timestamp is not made",
                "times are others where outputs come from a cache: unchecked-hash or checked-hash");
  }
  request.pyc_check = *check;
}

struct Option {
  std::string_view name;
  void (*take)(Request& request, std::string_view option, std::string_view value);
  bool has_value = true;
};

#define AXLE_TEXT(field) [](Request& r, std::string_view, std::string_view v) { r.field = v; }
constexpr Option options[] = {
    {"--wheel",
     [](Request& r, std::string_view, std::string_view v) { add_source(r, ActionSource::Kind::wheel, v); }},
    {"--tree",
     [](Request& r, std::string_view, std::string_view v) { add_source(r, ActionSource::Kind::tree, v); }},
    {"--src",
     [](Request& r, std::string_view, std::string_view v) { add_source(r, ActionSource::Kind::tree, v); }},
    {"--sha256",
     [](Request& r, std::string_view o, std::string_view v) {
       last_source(r, o, ActionSource::Kind::wheel).hashes.push_back(Hash::parse("sha256:" + std::string(v)));
     }},
    {"--hash",
     [](Request& r, std::string_view o, std::string_view v) {
       last_source(r, o, ActionSource::Kind::wheel).hashes.push_back(Hash::parse(v));
     }},
    {"--facts", set_facts},
    {"--into", AXLE_TEXT(into)},
    {"--output", AXLE_TEXT(output)},
    {"--out", AXLE_TEXT(output)},
    {"-o", AXLE_TEXT(output)},
    {"--facts-out", AXLE_TEXT(facts_out)},
    {"--stamp", AXLE_TEXT(stamp)},
    {"--depfile", AXLE_TEXT(depfile)},
    {"--depfile-style",
     [](Request& r, std::string_view o, std::string_view v) { r.dep_style = choose(dep_styles, o, v); }},
    {"--dyndep", AXLE_TEXT(dyndep)},
    {"--manifest", AXLE_TEXT(manifest)},
    {"--origin", AXLE_TEXT(origin)},
    {"--python", AXLE_TEXT(python)},
    {"--python-version", AXLE_TEXT(python_version)},
    {"--python-version-major", AXLE_TEXT(python_major)},
    {"--python-version-minor", AXLE_TEXT(python_minor)},
    {"--platform", AXLE_TEXT(platform)},
    {"--target-python", AXLE_TEXT(target_python)},
    {"--layout",
     [](Request& r, std::string_view o, std::string_view v) { r.layout = choose(layouts, o, v); }},
    {"--prompt", AXLE_TEXT(prompt)},
    {"--interpreter",
     [](Request& r, std::string_view o, std::string_view v) { r.interpreter = choose(interpreters, o, v); }},
    {"--shebang", AXLE_TEXT(shebang)},
    {"--entry", AXLE_TEXT(entry)},
    {"--oci", AXLE_TEXT(oci)},
    {"--split", [](Request& r, std::string_view, std::string_view v) { r.split = parse_split(v); }},
    {"--compression", AXLE_TEXT(compression)},
    {"--descriptor", AXLE_TEXT(descriptor)},
    {"--mtree", AXLE_TEXT(mtree)},
    {"--venv", AXLE_TEXT(image_path)},
    {"--launcher",
     [](Request& r, std::string_view o, std::string_view v) {
       r.policy.launcher.kind = choose(launchers, o, v);
       r.launcher_given = true;
     }},
    {"--launcher-flags", [](Request& r, std::string_view,
                            std::string_view v) { r.policy.launcher.flags = parse_launcher_flags(v); }},
    {"--launcher-env",
     [](Request& r, std::string_view, std::string_view v) {
       r.policy.launcher.environment.push_back(parse_environment_change(v));
     }},
    {"--link-mode", [](Request& r, std::string_view o,
                       std::string_view v) { r.policy.link_mode = choose(link_modes, o, v); }},
    {"--on-conflict", set_conflicts},
    {"--collision-policy", set_collisions},
    {"--verify", [](Request& r, std::string_view o, std::string_view v) { r.verify = choose(levels, o, v); }},
    {"--rpath", [](Request& r, std::string_view o,
                   std::string_view v) { r.policy.rpath = choose(rpath_policies, o, v); }},
    {"--startup-hooks", [](Request& r, std::string_view o,
                           std::string_view v) { r.policy.hooks = choose(hook_policies, o, v); }},
    {"--allow-hook", [](Request& r, std::string_view,
                        std::string_view v) { r.policy.allowed_hooks.insert(normalize_name(v)); }},
    {"--prune", add_prune_rule},
    {"--exclude-glob", add_excluded},
    {"--patch", [](Request& r, std::string_view, std::string_view v) { r.patches.emplace_back(v); }},
    {"--patch-strip",
     [](Request& r, std::string_view o, std::string_view v) {
       r.patch_strip = static_cast<unsigned>(std::min<std::uint64_t>(number(o, v), 4096));
     }},
    {"--preserve-path",
     [](Request& r, std::string_view, std::string_view v) { r.preserved.emplace_back(v); }},
    {"--compile-pyc", AXLE_TEXT(compiler)},
    {"--pyc-invalidation-mode", set_pyc_check},
    {"--times", set_times},
    {"--jobs",
     [](Request& r, std::string_view o, std::string_view v) {
       r.jobs = static_cast<unsigned>(std::min<std::uint64_t>(number(o, v), 1024));
     }},
    {"-j",
     [](Request& r, std::string_view o, std::string_view v) {
       r.jobs = static_cast<unsigned>(std::min<std::uint64_t>(number(o, v), 1024));
     }},
    {"--system-site-packages",
     [](Request& r, std::string_view, std::string_view) { r.system_site_packages = true; }, false},
    {"--dry-run", [](Request& r, std::string_view, std::string_view) { r.dry_run = true; }, false},
    {"--json", [](Request& r, std::string_view, std::string_view) { r.json = true; }, false},
    {"-q", [](Request& r, std::string_view, std::string_view) { r.quiet = true; }, false},
    {"--quiet", [](Request& r, std::string_view, std::string_view) { r.quiet = true; }, false},
};
#undef AXLE_TEXT

const Option* find_option(std::string_view name) noexcept {
  const auto* found = std::find_if(std::begin(options), std::end(options),
                                   [&](const Option& one) { return one.name == name; });
  return found == std::end(options) ? nullptr : found;
}

class Parser {
 public:
  explicit Parser(std::span<const std::string> arguments) : arguments_(arguments) {}

  Request run() {
    // What comes out of a build must not know where it was built.
    request_.policy.relocatable = Relocatable::yes;
    request_.policy.link_mode = LinkMode::copy;
    for (at_ = 0; at_ < arguments_.size(); ++at_) {
      const std::string& argument = arguments_[at_];
      if (!argument.starts_with('-') || argument == "-") {
        positional(argument);
      } else {
        option(argument);
      }
    }
    if (request_.python_version.empty() && !request_.python_major.empty())
      request_.python_version = request_.python_major + "." + request_.python_minor;
    const bool makes_tree = request_.operation == Operation::unpack ||
                            request_.operation == Operation::merge || request_.operation == Operation::venv;
    if (makes_tree && request_.into.empty()) request_.into = std::exchange(request_.output, {});
    if (!has_operation_) {
      throw Error(ErrorCode::usage, "action needs an operation",
                  "unpack, merge, venv, layer, inspect or launcher");
    }
    check_request(request_);
    return std::move(request_);
  }

 private:
  void positional(const std::string& argument) {
    if (!has_operation_ && argument == "action") return;  // a worker is sent the whole command line
    if (!has_operation_) {
      request_.operation = choose(operations, "the operation", argument);
      has_operation_ = true;
      return;
    }
    add_source(request_, argument.ends_with(".whl") ? ActionSource::Kind::wheel : ActionSource::Kind::tree,
               argument);
  }

  void option(std::string_view argument) {
    if (!argument.starts_with("--")) return short_options(argument);
    const std::size_t equals = argument.find('=');
    std::optional<std::string_view> given;
    if (equals != std::string_view::npos) given = argument.substr(equals + 1);
    named(argument.substr(0, equals), given);
  }

  // "-j 2", "-j2", "-qv", "-qj2".
  void short_options(std::string_view argument) {
    for (std::size_t i = 1; i < argument.size(); ++i) {
      const std::string name{'-', argument[i]};
      const std::string_view rest = argument.substr(i + 1);
      if (!takes_value(name)) {
        named(name, std::nullopt);
      } else if (rest.empty()) {
        return named(name, std::nullopt);
      } else {
        return named(name, rest);
      }
    }
  }

  void named(std::string_view name, std::optional<std::string_view> given) {
    if (const Option* known = find_option(name)) {
      known->take(request_, name, known->has_value ? value(name, given) : no_value(name, given));
    } else if (is_ignored_option(name)) {
      value(name, given);
    } else if (is_ignored_flag(name)) {
      no_value(name, given);
    } else {
      refuse_foreign(name);
      throw Error(ErrorCode::usage, "unknown option " + quoted(name), "docs/build-systems.md lists them");
    }
  }

  std::string_view value(std::string_view name, std::optional<std::string_view> given) {
    if (given) return *given;
    if (++at_ == arguments_.size()) throw Error(ErrorCode::usage, std::string(name) + " needs a value");
    return arguments_[at_];
  }

  static std::string_view no_value(std::string_view name, std::optional<std::string_view> given) {
    if (given) throw Error(ErrorCode::usage, std::string(name) + " takes no value");
    return {};
  }

  std::span<const std::string> arguments_;
  std::size_t at_ = 0;
  Request request_;
  bool has_operation_ = false;
};

}  // namespace

bool takes_value(std::string_view option) noexcept {
  if (option.find('=') != std::string_view::npos) return false;
  if (option.size() > 2 && option[0] == '-' && option[1] != '-') {
    // Of several short ones the first that takes a value has the rest of the word.
    for (std::size_t i = 1; i < option.size(); ++i) {
      const char name[]{'-', option[i]};
      if (takes_value(std::string_view(name, 2))) return i + 1 == option.size();
    }
    return false;
  }
  if (const Option* known = find_option(option)) return known->has_value;
  return is_ignored_option(option) || option == "--flagfile" || option == "--param-style" ||
         option == "--worker-protocol";
}

ActionRequest parse_request(std::span<const std::string> arguments) { return Parser(arguments).run(); }

}  // namespace axle
