// Requirements files, as pip and uv read them, with everything pinned. spec: pip, "Requirements File Format".

#include <algorithm>
#include <map>
#include <set>

#include "axle/base/digest.h"
#include "axle/pep/name.h"
#include "axle/pep/requirement.h"
#include "axle/pep/wheel_filename.h"
#include "base/text.h"
#include "lock/draft.h"
#include "lock/readers.h"
#include "lock/requirements_lines.h"
#include "lock/requirements_options.h"

namespace axle::lockfile {
namespace {

constexpr std::size_t max_files = 1000;
constexpr int max_nesting = 64;

// A requirement, or a constraint: the same form, another meaning.
struct Entry {
  LockPackage package;
  SpecifierSet specifier;
};

enum class Role { requirement, constraint };

class RequirementsReader {
 public:
  RequirementsReader(std::string_view text, const LockContext& context)
      : draft_(LockFormat::requirements, text, context), text_(text) {}

  Lock read() {
    read_text(text_, 0, Role::requirement, 0);
    apply_constraints();
    Lock& lock = draft_.lock;
    for (Entry& entry : requirements_) {
      LockPackage& package = entry.package;
      const bool hashed =
          !package.hash_bag.empty() || std::any_of(package.wheels.begin(), package.wheels.end(),
                                                   [](const FileRef& file) { return !file.hashes.empty(); });
      if (hashed) lock.options.require_hashes = true;
      package.no_binary =
          no_binary_.contains(package.name) || (no_binary_all_ && !only_binary_.contains(package.name));
      package.requested = true;
      lock.packages.push_back(std::move(package));
    }
    return std::move(draft_.lock);
  }

 private:
  void read_text(std::string_view bytes, std::uint32_t file, Role role, int depth) {
    const auto text = decode_text(bytes);
    if (!text)
      draft_.fail({file, 1, 1}, "the file is not text in UTF-8, nor in UTF-16 with a byte order mark");
    const std::string directory = directory_of(draft_.lock.files[file].path);
    for (const LogicalLine& line : logical_lines(*text, draft_.context().variables)) {
      draft_.lock.names_variables = draft_.lock.names_variables || line.names_variables;
      const std::string_view trimmed = trim(line.text);
      const auto start = static_cast<std::size_t>(trimmed.data() - line.text.data());
      const Source source{line, file, directory, role, depth};
      if (trimmed.starts_with('-')) {
        read_options(source, split_words(trimmed, start));
      } else {
        read_requirement(source, trimmed, start);
      }
    }
  }

  // The line that is being read.
  struct Source {
    const LogicalLine& line;
    std::uint32_t file;
    const std::string& directory;
    Role role;
    int depth;

    LockPlace at(std::size_t offset) const { return line.place(file, offset); }
  };

  void read_options(const Source& source, const std::vector<Word>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const Word& word = words[i];
      std::string name = word.text;
      std::optional<std::string> value;
      if (name.starts_with("--")) {
        if (const auto equals = name.find('='); equals != std::string::npos) {
          value = name.substr(equals + 1);
          name.resize(equals);
        }
      } else if (name.size() > 2) {
        value = name.substr(name[2] == '=' ? 3 : 2);
        name.resize(2);
      }
      const auto kind = find_option(name);
      if (!kind) {
        draft_.fail(source.at(word.offset), "option " + quoted(word.text) + " is unknown here",
                    word.text.starts_with("--hash")
                        ? "--hash belongs on the line of its requirement: end the line "
                          "before with a backslash"
                        : "");
      }
      if (takes_value(*kind) && !value) {
        if (++i == words.size()) draft_.fail(source.at(word.offset), quoted(name) + " needs a value");
        value = words[i].text;
      }
      apply_option(source, *kind, value.value_or(""), source.at(word.offset));
    }
  }

  void apply_option(const Source& source, OptionKind kind, const std::string& value, const LockPlace& where) {
    SourceOptions& options = draft_.lock.options;
    switch (kind) {
      case OptionKind::requirement_file:
        return include(source, value, source.role, where);
      case OptionKind::constraint_file:
        return include(source, value, Role::constraint, where);
      case OptionKind::editable:
        return read_editable(source, value, where);
      case OptionKind::index_url:
        if (options.index_url && *options.index_url != value) {
          draft_.fail(where, "a second --index-url with another value",
                      "use --extra-index-url for more indexes");
        }
        options.index_url = value;
        return;
      case OptionKind::extra_index_url:
        options.extra_index_urls.push_back(value);
        return;
      case OptionKind::find_links:
        if (const auto local = file_url_path(value)) {
          options.find_links.push_back(*local);
        } else {
          options.find_links.push_back(is_url(value) ? value : join_path(source.directory, value));
        }
        return;
      case OptionKind::no_binary:
        return format_control(value, no_binary_, no_binary_all_, only_binary_);
      case OptionKind::only_binary: {
        bool all = false;
        format_control(value, only_binary_, all, no_binary_);
        if (all) no_binary_all_ = false;
        return;
      }
      case OptionKind::no_index:
        options.no_index = true;
        return;
      case OptionKind::require_hashes:
        options.require_hashes = true;
        return;
      case OptionKind::ignored:
      case OptionKind::ignored_with_value:
        return;
    }
  }

  // ":all:", ":none:" or names; what is named in one list leaves the other.
  static void format_control(const std::string& value, std::set<std::string>& names, bool& all,
                             std::set<std::string>& others) {
    for (const std::string_view part : split(value, ',')) {
      const std::string_view name = trim(part);
      if (name == ":all:") {
        names.clear();
        others.clear();
        all = true;
      } else if (name == ":none:") {
        names.clear();
        all = false;
      } else if (!name.empty()) {
        names.insert(normalize_name(name));
        others.erase(normalize_name(name));
      }
    }
  }

  void include(const Source& source, const std::string& value, Role role, const LockPlace& where) {
    std::string path;
    if (const auto local = file_url_path(value)) {
      path = *local;
    } else if (is_url(value)) {
      draft_.fail(ErrorCode::unsupported, where, "a requirements file at a URL is not fetched",
                  "download it and include the local file");
    } else {
      path = join_path(source.directory, value);
    }
    // A file that includes itself, or is included twice, says nothing new the second time.
    if (!included_.insert({path, role}).second) return;
    if (source.depth >= max_nesting || included_.size() > max_files) {
      draft_.fail(where, "too many requirements files include each other");
    }
    const auto sibling = draft_.read(path);
    if (!sibling) draft_.fail(ErrorCode::io, where, "cannot read " + quoted(path));
    // It may have several paths (a.txt, sub/../a.txt). With links one of these can mean two files, so the
    // text counts, too.
    const std::string normal = without_detours(path);
    if (!known_texts_.insert({normal + '\0' + Sha256::of(sibling->text).hex(), role}).second) return;
    read_text(sibling->text, sibling->file, role, source.depth + 1);
  }

  void add(const Source& source, Entry entry) {
    (source.role == Role::requirement ? requirements_ : constraints_).push_back(std::move(entry));
  }

  void read_editable(const Source& source, const std::string& value, const LockPlace& where) {
    Entry entry;
    entry.package.place = where;
    const std::string path = value.substr(0, value.find('['));
    const auto local = file_url_path(path);
    if (is_url(path) && !local) {
      draft_.fail(ErrorCode::unsupported, where, "an editable requirement must be a local directory",
                  "build a wheel of it and name that");
    }
    entry.package.source.kind = SourceKind::editable;
    entry.package.source.location = local.value_or(join_path(source.directory, path));
    const std::string directory = entry.package.source.location;
    entry.package.name = normalize_name(directory.substr(directory.rfind('/') + 1));
    add(source, std::move(entry));
  }

  // --hash=alg:value and --hash alg:value behind a requirement; nothing else is understood there.
  std::vector<Hash> read_hashes(const Source& source, const std::vector<Word>& words) {
    std::vector<Hash> hashes;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const Word& word = words[i];
      std::string value;
      if (word.text.starts_with("--hash=")) {
        value = word.text.substr(7);
      } else if (word.text == "--hash" && i + 1 < words.size()) {
        value = words[++i].text;
      } else {
        draft_.fail(source.at(word.offset), quoted(word.text) + " is not understood behind a requirement",
                    "only --hash may stand there: wheels are installed as they are, without a build");
      }
      hashes.push_back(draft_.hash(value, source.at(word.offset)));
    }
    return hashes;
  }

  static bool is_path(std::string_view text) {
    const std::string_view head = text.substr(0, text.find_first_of(" ;[=<>!~@"));
    return text.starts_with('.') || text.starts_with('/') || head.find('/') != std::string_view::npos ||
           head.find('\\') != std::string_view::npos || is_wheel_name(head) || is_sdist_name(head);
  }

  void read_requirement(const Source& source, std::string_view text, std::size_t start) {
    const LockPlace where = source.at(start);
    const std::size_t options = options_start(text);
    const auto hashes = read_hashes(source, split_words(text.substr(options), start + options));
    text = trim(text.substr(0, options));
    const std::string_view head = text.substr(0, text.find_first_of(" \t;"));
    if (head.ends_with(".txt") || head.ends_with(".in")) {
      draft_.fail(where, quoted(head) + " looks like a requirements file", "include it with -r");
    }
    Entry entry;
    entry.package.place = where;
    if (is_url(head) || is_path(text)) {
      read_location(source, text, entry, where);
    } else {
      read_named(source, text, entry, where);
    }
    LockPackage& package = entry.package;
    if (!hashes.empty()) {
      package.hash_bag = hashes;
      for (FileRef& file : package.wheels) file.hashes = hashes;
      if (package.sdist) package.sdist->hashes = hashes;
    }
    add(source, std::move(entry));
  }

  // "name[extra]==1 ; marker" and "name @ URL ; marker". Extras need no work: what they bring has lines of
  // its own.
  void read_named(const Source& source, std::string_view text, Entry& entry, const LockPlace& where) {
    std::optional<Requirement> requirement;
    try {
      requirement = Requirement::parse(text);
    } catch (const Error& error) {
      draft_.fail(where, error.message(),
                  error.hint().empty() ? "a requirement is written name==version, with ; before a marker"
                                       : error.hint());
    }
    LockPackage& package = entry.package;
    package.name = normalize_name(requirement->name);
    if (requirement->marker) package.marker = draft_.marker(requirement->marker->str(), where);
    if (requirement->url) {
      read_source(source, *requirement->url, entry, where);
      check_name(package, where);
      return;
    }
    package.files_known = false;
    entry.specifier = requirement->specifier;
    pin(entry, text);
  }

  // Pinned: one clause names the version, and the others admit it.
  static void pin(Entry& entry, std::string_view text) {
    LockPackage& package = entry.package;
    const Specifier* exact = nullptr;
    for (const Specifier& clause : entry.specifier.clauses()) {
      const bool names_one =
          clause.op() == SpecifierOperator::equal || clause.op() == SpecifierOperator::arbitrary;
      if (names_one && !clause.is_prefix()) exact = &clause;
    }
    if (exact && entry.specifier.contains(std::string_view(exact->version_text()), true)) {
      package.version = exact->version_text();
      package.any_local = exact->op() == SpecifierOperator::equal;
    } else {
      package.unpinned = quoted(text) + " does not name one version";
    }
  }

  void read_location(const Source& source, std::string_view text, Entry& entry, const LockPlace& where) {
    // A URL may hold a semicolon; the marker's has white space at one side.
    std::size_t cut = text.size();
    for (std::size_t at = 1; at < text.size(); ++at) {
      if (text[at] != ';') continue;
      const bool spaced = is_space(text[at - 1]) || (at + 1 < text.size() && is_space(text[at + 1]));
      if (spaced || !is_url(text)) {
        cut = at;
        break;
      }
    }
    if (cut < text.size()) entry.package.marker = draft_.marker(trim(text.substr(cut + 1)), where);
    std::string location(trim(text.substr(0, cut)));
    if (location.ends_with(']'))
      location.resize(location.rfind('[') == std::string::npos ? location.size() : location.rfind('['));
    read_source(source, location, entry, where);
    LockPackage& package = entry.package;
    if (package.wheels.empty()) {
      std::string_view name = package.source.location;
      while (name.ends_with('/')) name.remove_suffix(1);
      name = name.substr(name.rfind('/') + 1);
      if (package.source.kind == SourceKind::vcs) {
        name = name.substr(0, name.find('@'));
        if (name.ends_with(".git")) name.remove_suffix(4);
      }
      if (package.sdist) {
        if (const auto sdist = SdistFilename::try_parse(package.sdist->name))
          name = package.name = sdist->name;
      }
      if (package.name.empty()) package.name = normalize_name(name);
      return;
    }
    check_name(package, where);
  }

  // What stands at a URL or path: a wheel, an archive that needs a build, a directory, a repository.
  void read_source(const Source& source, const std::string& location, Entry& entry, const LockPlace& where) {
    LockPackage& package = entry.package;
    const auto plus = location.find('+');
    if (is_url(location) && plus != std::string::npos && plus < location.find(':')) {
      package.source.kind = SourceKind::vcs;
      package.source.vcs = ascii_lower(location.substr(0, plus));
      package.source.location = location.substr(plus + 1, location.find('#') - plus - 1);
      read_vcs_fragment(location, package, where);
      return;
    }
    const auto local = file_url_path(location);
    const bool remote = is_url(location) && !local;
    std::string_view bare = location;
    bare = bare.substr(0, remote || local ? bare.find_first_of("#?") : bare.rfind('#'));
    // In a path '#' is a letter like any other, unless an archive's name ends there.
    if (!remote && !local && !is_wheel_name(bare) && !is_sdist_name(bare)) bare = location;
    const std::string path = remote ? "" : local.value_or(join_path(source.directory, std::string(bare)));
    if (!is_wheel_name(bare) && !is_sdist_name(bare)) {
      package.source.kind = remote ? SourceKind::archive : SourceKind::directory;
      package.source.location = remote ? location : path;
      return;
    }
    FileRef file;
    if (remote) {
      file = draft_.file_at_url(location.substr(0, location.find('#')), where);
    } else {
      file = draft_.file_at_path(path, where);
      file.path = path;
    }
    package.source.kind = remote ? SourceKind::archive : SourceKind::file;
    package.source.location = remote ? file.url : path;
    read_fragment(location, package, file, where);
    add_file(package, std::move(file));
  }

  // "#egg=NAME[extra]&subdirectory=..."
  void read_vcs_fragment(const std::string& location, LockPackage& package, const LockPlace& where) {
    const auto hash = location.find('#');
    if (hash == std::string::npos) return;
    for (const std::string_view part : split(std::string_view(location).substr(hash + 1), '&')) {
      if (part.starts_with("egg=") && package.name.empty()) {
        const std::string_view egg = part.substr(4);
        if (!egg.empty()) package.name = draft_.name(egg.substr(0, egg.find_first_of("[@=<>!~")), where);
      } else if (part.starts_with("subdirectory=")) {
        package.source.subdirectory = percent_decode(part.substr(13)).value_or("");
      }
    }
  }

  // "#sha256=...&subdirectory=..."
  void read_fragment(const std::string& location, LockPackage& package, FileRef& file,
                     const LockPlace& where) {
    const auto hash = location.rfind('#');
    if (hash == std::string::npos || file.name.find('#') != std::string::npos) return;
    for (const std::string_view part : split(std::string_view(location).substr(hash + 1), '&')) {
      const auto equals = part.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string_view key = part.substr(0, equals);
      if (parse_hash_algorithm(key)) {
        file.hashes.push_back(draft_.hash(part, where));
      } else if (key == "subdirectory") {
        package.source.subdirectory = percent_decode(part.substr(equals + 1)).value_or("");
      }
    }
  }

  // A wheel's name tells name and version.
  void check_name(LockPackage& package, const LockPlace& where) {
    if (package.wheels.empty()) return;
    const std::string& file_name = package.wheels.front().name;
    const auto parsed = WheelFilename::try_parse(file_name);
    if (!parsed) draft_.fail(where, quoted(file_name) + " is no wheel's name");
    if (!package.name.empty() && package.name != parsed->name) {
      draft_.fail(where, quoted(file_name) + " is a wheel of " + parsed->name + ", not of " + package.name);
    }
    package.name = parsed->name;
    package.version = parsed->version.str();
  }

  // A constraint says nothing but which version a requirement gets.
  void apply_constraints() {
    std::map<std::string_view, std::vector<const Entry*>> by_name;
    for (const Entry& constraint : constraints_) by_name[constraint.package.name].push_back(&constraint);
    std::vector<Entry> result;
    for (Entry& entry : requirements_) {
      bool replaced = false;
      if (const auto found = by_name.find(entry.package.name); found != by_name.end()) {
        for (const Entry* constraint : found->second)
          replaced = apply_constraint(entry, *constraint, result) || replaced;
      }
      if (!replaced) result.push_back(std::move(entry));
    }
    requirements_ = std::move(result);
  }

  // Whether a requirement as the constraint pins it was added to `result`.
  bool apply_constraint(Entry& entry, const Entry& constraint, std::vector<Entry>& result) {
    const LockPackage& pinned = constraint.package;
    LockPackage& package = entry.package;
    if (package.files_known) return false;
    if (package.unpinned.empty()) {
      const auto version = Version::try_parse(package.version);
      if (pinned.marker == no_marker && !pinned.files_known && version &&
          !constraint.specifier.contains(*version, true)) {
        draft_.fail(package.place, package.name + " " + package.version + " contradicts the constraint " +
                                       constraint.specifier.str() + " (" +
                                       to_string(draft_.lock.place(pinned.place)) + ")");
      }
      if (package.hash_bag.empty() && pinned.version == package.version) package.hash_bag = pinned.hash_bag;
      return false;
    }
    if (!pinned.unpinned.empty() || pinned.version.empty()) return false;
    if (!entry.specifier.contains(std::string_view(pinned.version), true)) {
      draft_.fail(package.place, package.name + " " + entry.specifier.str() + " contradicts the constraint " +
                                     pinned.version + " (" + to_string(draft_.lock.place(pinned.place)) +
                                     ")");
    }
    Entry added = constraint;
    added.package.place = package.place;
    if (added.package.hash_bag.empty()) added.package.hash_bag = package.hash_bag;
    added.package.marker = both(package.marker, pinned.marker, package.place);
    result.push_back(std::move(added));
    return true;
  }

  MarkerId both(MarkerId a, MarkerId b, const LockPlace& where) {
    if (a == no_marker || a == b) return b;
    if (b == no_marker) return a;
    const auto& markers = draft_.lock.markers;
    return draft_.marker("(" + markers[a].text + ") and (" + markers[b].text + ")", where);
  }

  Draft draft_;
  std::string_view text_;
  std::vector<Entry> requirements_;
  std::vector<Entry> constraints_;
  std::set<std::pair<std::string, Role>> included_;
  std::set<std::pair<std::string, Role>> known_texts_;
  std::set<std::string> no_binary_;
  std::set<std::string> only_binary_;
  bool no_binary_all_ = false;
};

}  // namespace

Lock read_requirements(std::string_view text, const LockContext& context) {
  return RequirementsReader(text, context).read();
}

}  // namespace axle::lockfile
