#include "cli/native_report.h"

#include "axle/object/link_doctor.h"
#include "axle/object/object_facts.h"
#include "axle/plan/links.h"
#include "exec/host_links.h"

namespace axle::cli {
namespace {

NativeReport judge(const PlannedLinks& links, const LinkPolicy& policy) {
  const LinkReport report = find_links(links.tree, policy);
  NativeReport result;
  result.objects = links.tree.objects.size();
  for (const LinkVerdict& verdict : report.verdicts) ++result.verdicts[std::string(to_string(verdict.kind))];
  result.problems = render_native(links.tree, report);
  return result;
}

// A tag that fits every system says nothing; the objects do.
LinkPolicy policy_of(const WheelFacts& wheel, const PlannedLinks& links) {
  const std::vector<std::string_view> tags = wheel.tags();
  const std::string_view tag = tags.empty() ? std::string_view() : tags.front();
  LinkPolicy policy = platform_link_policy(tag.substr(tag.rfind('-') + 1));
  if (!tag.ends_with("-any") || links.tree.objects.empty()) return policy;
  switch (links.tree.objects.front().facts->format) {
    case ObjectFacts::Format::elf:
      break;
    case ObjectFacts::Format::macho:
      policy.loader = LinkPolicy::Loader::dyld;
      break;
    case ObjectFacts::Format::pe:
      policy.loader = LinkPolicy::Loader::windows;
      break;
  }
  return policy;
}

}  // namespace

NativeReport report_links(const Plan& plan, const Interpreter& interpreter, const Store& store) {
  const PlannedLinks links = describe_links(plan, store.path() + "/wheels");
  if (links.tree.objects.empty()) return {};
  return judge(links, host_link_policy(interpreter));
}

NativeReport report_links(const WheelFacts& wheel) {
  const PlannedLinks links = describe_links(wheel);
  if (links.tree.objects.empty()) return {};
  return judge(links, policy_of(wheel, links));
}

Json native_to_json(const NativeReport& report) {
  Json verdicts = Json::object();
  for (const auto& [kind, count] : report.verdicts) verdicts[kind] = count;
  Json problems = Json::array();
  for (const Diagnostic& one : report.problems) {
    problems.push_back({{"kind", one.kind},
                        {"severity", one.severity == Severity::error ? "error" : "warning"},
                        {"distribution", one.distribution},
                        {"path", one.path},
                        {"message", one.message},
                        {"hint", one.hint}});
  }
  return {{"objects", report.objects}, {"verdicts", std::move(verdicts)}, {"problems", std::move(problems)}};
}

std::string native_to_text(const NativeReport& report) {
  std::string text;
  for (const Diagnostic& one : report.problems) {
    text += std::string(one.severity == Severity::error ? "error" : "warning") + ": " + one.kind + ": ";
    if (!one.distribution.empty()) text += one.distribution + ": ";
    text += one.path + ": " + one.message;
    if (!one.hint.empty()) text += " (" + one.hint + ")";
    text += "\n";
  }
  return text;
}

}  // namespace axle::cli
