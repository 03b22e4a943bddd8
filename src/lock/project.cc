// From [project] to METADATA and entry_points.txt. spec: PEP 621 ("Declaring project metadata"), "Core
// metadata specifications", "Entry points specification".

#include "axle/lock/project.h"

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "axle/pep/requirement.h"
#include "axle/pep/version.h"
#include "base/text.h"
#include "lock/project_layout.h"
#include "lock/pyproject.h"

namespace axle {
namespace {

using namespace lockfile;

// One line, so that no value can begin another field.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return std::string(trim(line));
}

class Metadata {
 public:
  Metadata(const Draft& draft, const TomlReader& toml, const Pyproject& pyproject, const toml::table& project)
      : draft_(draft), toml_(toml), pyproject_(pyproject), project_(project) {}

  std::string render(const std::string& name, const std::string& version) {
    field("Name", name);
    field("Version", version);
    text_field("Summary", "description");
    people("Author", "authors");
    people("Maintainer", "maintainers");
    const toml::node* license = project_.get("license");
    if (license && license->is_string()) field("License-Expression", license->as_string()->get());
    if (const toml::array* keywords = toml_.array(project_, "keywords")) {
      std::string list;
      for (const toml::node& node : *keywords)
        list += (list.empty() ? "" : ",") + toml_.as_string(node, "keywords");
      if (!list.empty()) field("Keywords", list);
    }
    if (const toml::array* classifiers = toml_.array(project_, "classifiers")) {
      for (const toml::node& node : *classifiers) field("Classifier", toml_.as_string(node, "classifiers"));
    }
    text_field("Requires-Python", "requires-python");
    if (const toml::table* urls = toml_.table(project_, "urls")) {
      for (const auto& [label, url] : *urls)
        field("Project-URL", std::string(label.str()) + ", " + toml_.as_string(url, "urls"));
    }
    for (const Declared& declared : project_dependencies(draft_, pyproject_))
      field("Requires-Dist", requirement(declared).str());
    for (const DeclaredPart& extra : project_extras(draft_, pyproject_)) {
      field("Provides-Extra", extra.name);
      for (const Declared& declared : extra.dependencies)
        field("Requires-Dist", under_extra(declared, extra.name));
    }
    return "Metadata-Version: 2.4\n" + text_;
  }

 private:
  void field(std::string_view key, std::string_view value) {
    text_ += std::string(key) + ": " + one_line(value) + "\n";
  }

  void text_field(std::string_view key, std::string_view from) {
    if (const std::string* value = toml_.string(project_, from)) field(key, *value);
  }

  void people(const std::string& key, std::string_view from) {
    const toml::array* list = toml_.array(project_, from);
    if (!list) return;
    for (const toml::node& node : *list) {
      const toml::table& person = toml_.as_table(node, from);
      const std::string* name = toml_.string(person, "name");
      const std::string* email = toml_.string(person, "email");
      if (name && email) {
        field(key + "-email", *name + " <" + *email + ">");
      } else if (name || email) {
        field(name ? key : key + "-email", name ? *name : *email);
      }
    }
  }

  Requirement requirement(const Declared& declared) const {
    try {
      return Requirement::parse(declared.text);
    } catch (const Error& error) {
      draft_.fail(declared.place, error.message(), error.hint());
    }
  }

  std::string under_extra(const Declared& declared, const std::string& extra) const {
    Requirement base = requirement(declared);
    const std::string marker = base.marker ? base.marker->str() : std::string();
    base.marker.reset();
    const std::string condition = "extra == \"" + extra + "\"";
    const bool either = marker.find(" or ") != std::string::npos;
    return base.str() + (base.url ? " ; " : "; ") +
           (marker.empty() ? condition : (either ? "(" + marker + ")" : marker) + " and " + condition);
  }

  const Draft& draft_;
  const TomlReader& toml_;
  const Pyproject& pyproject_;
  const toml::table& project_;
  std::string text_;
};

void add_group(const TomlReader& toml, const toml::table& table, const std::string& group,
               std::string& text) {
  text += "[" + group + "]\n";
  for (const auto& [name, value] : table) {
    const std::string& reference = toml.as_string(value, group);
    // What is no name or reference is refused when the wheel is read, with the reasons.
    text += one_line(name.str()) + " = " + one_line(reference) + "\n";
  }
  text += "\n";
}

std::string render_entry_points(const TomlReader& toml, const toml::table& project) {
  std::string text;
  if (const toml::table* scripts = toml.table(project, "scripts"))
    add_group(toml, *scripts, "console_scripts", text);
  if (const toml::table* scripts = toml.table(project, "gui-scripts"))
    add_group(toml, *scripts, "gui_scripts", text);
  if (const toml::table* groups = toml.table(project, "entry-points")) {
    for (const auto& [group, table] : *groups)
      add_group(toml, toml.as_table(table, "entry-points"), one_line(group.str()), text);
  }
  return text;
}

}  // namespace

ProjectFacts parse_project(const ProjectContext& context) {
  const std::string path = join_path(context.directory, "pyproject.toml");
  const auto text = context.read_file(path);
  if (!text) {
    throw Error(ErrorCode::unsupported, Place{path},
                "does not exist, so the project cannot be installed in place",
                "build a wheel of it, and name its directory with --find-links");
  }
  LockContext files;
  files.path = path;
  Draft draft(LockFormat::requirements, *text, files);
  const TomlReader toml(draft, 0);
  Pyproject pyproject;
  pyproject.path = path;
  pyproject.table = toml.parse(*text);
  const toml::table* project = find_table(pyproject.table, {"project"});
  if (!project) refuse_project(draft, {0, 0, 0}, "its pyproject.toml has no [project] table");
  if (const toml::array* dynamic = toml.array(*project, "dynamic"); dynamic && !dynamic->empty()) {
    refuse_project(draft, toml.place(*dynamic),
                   "its " + toml.as_string(*dynamic->get(0), "dynamic") + " is computed by the build");
  }
  ProjectFacts facts;
  facts.name = toml.need_string(*project, "name");
  draft.name(facts.name, toml.place(*project->get("name")));
  const std::string& version = toml.need_string(*project, "version");
  const auto parsed = Version::try_parse(version);
  if (!parsed) toml.fail(*project->get("version"), quoted(version) + " is no version");
  facts.version = parsed->str();
  facts.metadata = Metadata(draft, toml, pyproject, *project).render(facts.name, facts.version);
  facts.entry_points = render_entry_points(toml, *project);
  facts.directories = module_directories(draft, toml, pyproject.table, facts.name, context);
  return facts;
}

}  // namespace axle
