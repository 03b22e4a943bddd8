// What the doctor found, for people.

#include <algorithm>

#include "axle/object/link_doctor.h"
#include "axle/object/rpath_edit.h"
#include "object/link_tree.h"

namespace axle {

using Kind = LinkVerdict::Kind;

Severity severity_of(LinkVerdict::Kind kind) noexcept {
  switch (kind) {
    case Kind::found:
    case Kind::interpreter:
    case Kind::system:
      return Severity::note;
    case Kind::inherited:
    case Kind::expected:
    case Kind::driver:
    case Kind::preloaded:
      return Severity::warning;
    case Kind::out_of_reach:
    case Kind::broken_by_link:
    case Kind::wrong_machine:
    case Kind::libc_too_old:
    case Kind::not_found:
      break;
  }
  return Severity::error;
}

std::string_view to_string(LinkVerdict::Kind kind) noexcept {
  switch (kind) {
    case Kind::found:
      return "found";
    case Kind::inherited:
      return "inherited";
    case Kind::interpreter:
      return "interpreter";
    case Kind::system:
      return "system";
    case Kind::expected:
      return "expected";
    case Kind::driver:
      return "driver";
    case Kind::preloaded:
      return "preloaded";
    case Kind::out_of_reach:
      return "out-of-reach";
    case Kind::broken_by_link:
      return "broken-by-link";
    case Kind::wrong_machine:
      return "wrong-machine";
    case Kind::libc_too_old:
      return "libc-too-old";
    case Kind::not_found:
      return "not-found";
  }
  return "";
}

std::string_view to_string(SuspiciousPath::Kind kind) noexcept {
  switch (kind) {
    case SuspiciousPath::Kind::empty:
      return "empty";
    case SuspiciousPath::Kind::relative:
      return "relative";
    case SuspiciousPath::Kind::world_writable:
      return "world-writable";
    case SuspiciousPath::Kind::build_machine:
      return "build-machine";
    case SuspiciousPath::Kind::absolute:
      return "absolute";
  }
  return "";
}

namespace {

std::string provider_words(const LinkTree& tree, const LinkVerdict& verdict) {
  if (!verdict.provider) return {};
  const LinkObject& provider = tree.objects[*verdict.provider];
  return provider.path + (provider.distribution.empty() ? "" : " of " + provider.distribution);
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& each : list) (text += text.empty() ? "" : ", ") += each;
  return text;
}

void explain(const LinkTree& tree, const LinkVerdict& verdict, Diagnostic& finding) {
  const std::string needs = "needs " + verdict.name;
  const std::string provider = provider_words(tree, verdict);
  switch (verdict.kind) {
    case Kind::found:
    case Kind::interpreter:
    case Kind::system:
      return;
    case Kind::inherited:
      finding.message = needs + ", found only through " +
                        (verdict.chain.empty() ? "its loaders" : tree.objects[verdict.chain.front()].path) +
                        " that loads it";
      break;
    case Kind::expected:
      finding.message = needs + " from the system";
      finding.hint = verdict.package.empty() ? "" : "it is in " + verdict.package;
      break;
    case Kind::driver:
      finding.message = needs + " of a device driver";
      finding.hint = verdict.package.empty()
                         ? "it comes with the driver of the machine"
                         : "it comes with the driver of the machine; packages: " + verdict.package;
      break;
    case Kind::preloaded:
      finding.message = needs +
                        ", which no path of its own reaches; it loads only after Python code has loaded " +
                        provider;
      if (!verdict.fix.empty()) finding.hint = "the path " + verdict.fix + " would reach it";
      break;
    case Kind::out_of_reach:
      finding.message = needs + ", which is at " + provider + ", and no path reaches it";
      finding.hint = verdict.fix.empty() ? "no path of its own can reach it in this layout"
                                         : "the path " + verdict.fix + " would reach it: --rpath fix adds it";
      break;
    case Kind::broken_by_link:
      finding.message =
          needs + ", and its path " + verdict.by + " to " + provider + " leads out of a linked directory";
      if (!verdict.crossed.empty()) finding.message += ": " + joined(verdict.crossed);
      finding.hint = "use --link-mode hardlink or copy, or --rpath auto";
      break;
    case Kind::wrong_machine:
      finding.message = needs + ", and " + provider + " is for another machine";
      break;
    case Kind::libc_too_old:
      finding.message = "needs " + verdict.name + ", newer than the target's";
      finding.hint = "use a wheel for an older system, or a newer system";
      break;
    case Kind::not_found:
      finding.message = needs + ", which is not found";
      if (!verdict.by.empty()) finding.message += ": the object is " + verdict.by;
      if (!verdict.searched.empty()) finding.message += "; searched " + joined(verdict.searched);
      break;
  }
}

}  // namespace

Diagnostics render_links(const LinkTree& tree, const LinkReport& report) {
  Diagnostics findings;
  for (const LinkVerdict& verdict : report.verdicts) {
    const Severity severity = severity_of(verdict.kind);
    if (severity == Severity::note) continue;
    const LinkObject& object = tree.objects[verdict.object];
    Diagnostic finding{
        severity, "native-" + std::string(to_string(verdict.kind)), object.distribution, object.path, {}, {}};
    explain(tree, verdict, finding);
    findings.push_back(std::move(finding));
  }
  for (const SuspiciousPath& path : report.suspicious) {
    const LinkObject& object = tree.objects[path.object];
    const bool dangerous =
        path.kind != SuspiciousPath::Kind::absolute && path.kind != SuspiciousPath::Kind::build_machine;
    findings.push_back({dangerous ? Severity::warning : Severity::note,
                        "native-rpath-" + std::string(to_string(path.kind)),
                        object.distribution,
                        object.path,
                        path.entry.empty()
                            ? "searches the working directory for libraries: its list has an empty entry"
                            : "searches " + path.entry + " for libraries",
                        {}});
  }
  for (const std::size_t index : report.damaged) {
    const LinkObject& object = tree.objects[index];
    findings.push_back({Severity::warning,
                        "native-damaged",
                        object.distribution,
                        object.path,
                        "is damaged: " + object.facts->error,
                        {}});
  }
  return findings;
}

std::optional<std::vector<std::string>> find_repaired_rpaths(const LinkTree& tree, const LinkReport& report,
                                                             std::size_t object) {
  bool helps = false;
  std::vector<std::string> fixes, inherited;
  for (const LinkVerdict& verdict : report.verdicts) {
    if (verdict.object != object || verdict.fix.empty()) continue;
    if (verdict.kind == Kind::out_of_reach || verdict.kind == Kind::preloaded) {
      helps = true;
      fixes.push_back(verdict.fix);
    }
    // A list of its own ends what an object inherits (glibc), so that what it had that way must be named.
    if (verdict.kind == Kind::inherited) inherited.push_back(verdict.fix);
  }
  const ObjectFacts& facts = *tree.objects[object].facts;
  if (!helps || facts.format == ObjectFacts::Format::pe) return std::nullopt;
  std::vector<std::string> entries = add_rpaths(rpath_entries(facts), fixes);
  if (!facts.rpath && !facts.runpath) entries = add_rpaths(std::move(entries), inherited);
  return entries;
}

}  // namespace axle
