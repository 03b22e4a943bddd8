#include "action/patch_text.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr std::string_view no_file = "/dev/null";
constexpr std::uint64_t most_lines = std::uint64_t{1} << 31;

struct Line {
  std::string_view text;  // without LF
  bool newline = true;
};

// A name of a header, and whether its time says that there is no such file.
struct Name {
  std::string path;
  bool is_none = false;
  bool is_epoch = false;
};

template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}
bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

// "1970-01-01 01:00:00.000000000 +0100" as diff -N writes for a file that is not there.
bool is_epoch(std::string_view stamp) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0, zone = 0;
  if (!take_number(stamp, year) || !take(stamp, "-") || !take_number(stamp, month) || !take(stamp, "-") ||
      !take_number(stamp, day) || !take(stamp, " ") || !take_number(stamp, hour) || !take(stamp, ":") ||
      !take_number(stamp, minute) || !take(stamp, ":") || !take_number(stamp, second))
    return false;
  if (year < 1969 || year > 1970 || hour > 23 || minute > 59 || second > 60) return false;
  if (take(stamp, ".")) stamp.remove_prefix(std::min(stamp.find_first_not_of('0'), stamp.size()));
  take(stamp, " ");
  const bool west = stamp.starts_with('-');
  if (!west && !stamp.starts_with('+')) return false;
  stamp.remove_prefix(1);
  if (!take_number(stamp, zone) || zone > 2400 || !trim(stamp).empty()) return false;
  using namespace std::chrono;
  const sys_days date = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  const auto offset = hours(zone / 100) + minutes(zone % 100);
  const auto local = date.time_since_epoch() + hours(hour) + minutes(minute) + seconds(second);
  return (west ? local + offset : local - offset) == seconds(0);
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name, unsigned strip)
      : rest_(text), name_(name), strip_(strip) {}

  std::vector<FilePatch> run() {
    bool only_garbage = false;
    while (!rest_.empty()) {
      const Line line = next();
      if (line.text.starts_with("diff --git ")) {
        finish();
        begin_git(line.text.substr(11));
      } else if (line.text.starts_with("--- ") && peek().text.starts_with("+++ ")) {
        read_names(line.text, next().text);
      } else if (line.text.starts_with("@@ -")) {
        fail("is a hunk, and no line before it names its file",
             "a patch has --- and +++ lines, as diff -u writes");
      } else if (line.text.starts_with("GIT binary patch") ||
                 (line.text.starts_with("Binary files ") && trim(line.text).ends_with(" differ"))) {
        unsupported("is binary: such patches are not applied", "patch the wheel itself");
      } else if (line.text.starts_with("***************")) {
        unsupported("is a context diff", "diff -u makes a unified one");
      } else if (!is_git_ || !git_line(line.text)) {
        only_garbage = only_garbage || !trim(line.text).empty();
      }
    }
    finish();
    if (patches_.empty() && only_garbage) {
      throw Error(ErrorCode::bad_input, Place{name_}, "is no patch: no file is named in it",
                  "a patch has --- and +++ lines, as diff -u and git diff write");
    }
    return std::move(patches_);
  }

 private:
  [[noreturn]] void fail(std::string what, std::string hint = {}) const {
    throw Error(ErrorCode::bad_input, Place{name_, number_}, std::move(what), std::move(hint));
  }
  [[noreturn]] void unsupported(std::string what, std::string hint) const {
    throw Error(ErrorCode::unsupported, Place{name_, number_}, std::move(what), std::move(hint));
  }

  Line peek() const {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return {rest_, false};
    return {rest_.substr(0, end), true};
  }
  Line next() {
    const Line line = peek();
    rest_.remove_prefix(line.text.size() + (line.newline ? 1 : 0));
    ++number_;
    return line;
  }

  // A patch whose headers end in CR LF went through something that made all of its lines so.
  static std::string_view without_cr(std::string_view text) {
    return text.ends_with('\r') ? text.substr(0, text.size() - 1) : text;
  }

  // "a/x", and what is behind it: git and GNU diff quote what holds control characters or quotes, and put a
  // tab behind what holds spaces.
  std::string take_name(std::string_view& text) const {
    if (!text.starts_with('"')) {
      const std::size_t end = std::min(text.find('\t'), text.size());
      const std::string_view plain = text.substr(0, end);
      text.remove_prefix(end);
      return std::string(trim(plain));
    }
    std::string name;
    std::size_t i = 1;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        name += text[i];
        continue;
      }
      const char c = text[++i];
      constexpr std::string_view letters = "abtnvfr";
      if (const std::size_t at = letters.find(c); at != std::string_view::npos) {
        name += static_cast<char>('\a' + static_cast<char>(at));
      } else if (c >= '0' && c <= '3' && i + 2 < text.size() && is_octal(text[i + 1]) &&
                 is_octal(text[i + 2])) {
        name += static_cast<char>((c - '0') << 6 | (text[i + 1] - '0') << 3 | (text[i + 2] - '0'));
        i += 2;
      } else if (c == '"' || c == '\\') {
        name += c;
      } else {
        fail("has a name with an escape that means nothing");
      }
    }
    if (i >= text.size()) fail("has a name without a closing quote");
    text.remove_prefix(i + 1);
    return name;
  }
  static bool is_octal(char c) noexcept { return c >= '0' && c <= '7'; }

  std::string stripped(const std::string& path, unsigned components) const {
    std::string_view rest = path;
    for (unsigned i = 0; i < components; ++i) {
      const std::size_t slash = rest.find('/');
      if (slash == std::string_view::npos) {
        fail("names " + quoted(path) + ", which has fewer components than are to be stripped",
             "--patch-strip " + std::to_string(strip_) + " takes " + std::to_string(strip_) + " away");
      }
      rest.remove_prefix(std::min(rest.find_first_not_of('/', slash), rest.size()));
    }
    if (rest.empty()) fail("names no file");
    return std::string(rest);
  }

  Name read_name(std::string_view text) const {
    Name name;
    std::string path = take_name(text);
    if (path.empty()) fail("names no file");
    name.is_none = path == no_file;
    name.is_epoch = is_epoch(trim(text));
    if (!name.is_none) name.path = stripped(path, strip_);
    return name;
  }

  void read_names(std::string_view old_line, std::string_view new_line) {
    const std::size_t line = number_ - 1;
    strips_cr_ = old_line.ends_with('\r') && new_line.ends_with('\r');
    const Name from = read_name(without_cr(old_line).substr(4));
    const Name to = read_name(without_cr(new_line).substr(4));
    if (from.is_none && to.is_none) fail("names no file");
    if (!is_git_) {
      finish();
      open_ = true;
      patch_ = {};
      patch_.line = line;
    }
    is_git_ = false;
    const bool says_more = patch_.kind != FilePatch::Kind::change;
    if (!says_more && (from.is_none || from.is_epoch)) patch_.kind = FilePatch::Kind::create;
    if (!says_more && (to.is_none || to.is_epoch)) patch_.kind = FilePatch::Kind::remove;
    const bool renames = patch_.kind == FilePatch::Kind::rename || patch_.kind == FilePatch::Kind::copy;
    if (!renames) {
      patch_.old_path = from.is_none ? "" : from.path;
      patch_.new_path = to.is_none ? "" : to.path;
    }
    read_hunks();
    settle();
  }

  // What is created has no old path, what is removed no new one.
  void settle() {
    if (patch_.kind == FilePatch::Kind::create) {
      if (patch_.new_path.empty()) patch_.new_path = patch_.old_path;
      patch_.old_path.clear();
    } else if (patch_.kind == FilePatch::Kind::remove) {
      if (patch_.old_path.empty()) patch_.old_path = patch_.new_path;
      patch_.new_path.clear();
    }
  }

  void read_hunks() {
    if (!peek().text.starts_with("@@ -")) {
      ++number_;
      fail("follows the names of files, and is no hunk", "a hunk begins with @@ -1,2 +1,2 @@");
    }
    while (peek().text.starts_with("@@ -")) patch_.hunks.push_back(read_hunk());
    // What is left of a hunk whose header says too little would be passed over as prose.
    const std::string_view after = peek().text;
    const bool signature = after == "-- " || after == "--" || after == "-- \r" || after.starts_with("--- ");
    if ((after.starts_with('+') || after.starts_with('-')) && !signature) {
      ++number_;
      fail("belongs to no hunk", "the hunk before it has more lines than its header says");
    }
  }

  Hunk read_hunk() {
    Hunk hunk;
    std::string_view head = next().text;
    hunk.line = number_;
    std::uint64_t new_start = 0;
    take(head, "@@ -");
    if (!read_range(head, hunk.old_start, hunk.old_count) || !take(head, " +") ||
        !read_range(head, new_start, hunk.new_count) || !head.starts_with(" @@"))
      fail("is no hunk's header", "@@ -1,2 +1,2 @@");
    // "-5,0": behind line 5.
    if (hunk.old_count == 0) ++hunk.old_start;
    std::uint64_t old_left = hunk.old_count;
    std::uint64_t new_left = hunk.new_count;
    while (old_left > 0 || new_left > 0) {
      if (rest_.empty()) cut_short(hunk);
      Line line = next();
      if (strips_cr_) line.text = without_cr(line.text);
      const char kind = line.text.empty() ? ' ' : line.text[0];
      const bool is_old = kind == ' ' || kind == '-';
      const bool is_new = kind == ' ' || kind == '+';
      if (!is_old && !is_new) cut_short(hunk);
      if ((is_old && old_left == 0) || (is_new && new_left == 0))
        fail("is one line more than the hunk's header says");
      if (is_old) --old_left;
      if (is_new) --new_left;
      // Mailers take the only space of an empty line away.
      hunk.lines.push_back(
          {static_cast<PatchLine::Kind>(kind), line.text.empty() ? "" : line.text.substr(1), true});
      if (!peek().text.starts_with('\\') || rest_.empty()) continue;
      next();
      hunk.lines.back().newline = false;
    }
    return hunk;
  }

  static bool read_range(std::string_view& text, std::uint64_t& start, std::uint64_t& count) {
    count = 1;
    if (!take_number(text, start)) return false;
    if (take(text, ",") && !take_number(text, count)) return false;
    return start < most_lines && count < most_lines;
  }

  [[noreturn]] void cut_short(const Hunk& hunk) const {
    throw Error(ErrorCode::bad_input, Place{name_, hunk.line},
                "begins a hunk that has fewer lines than its header says",
                "the patch may be cut short, or edited by hand");
  }

  // The rest of "diff --git a/x b/x". The names count only where no other line has them, for a file that is
  // empty or gets another mode: then both are the same.
  void begin_git(std::string_view names) {
    open_ = true;
    is_git_ = true;
    patch_ = {};
    patch_.line = number_;
    names = without_cr(names);
    git_names_ = names;
  }

  void take_git_names() {
    std::string_view rest = git_names_;
    std::string first, second;
    if (rest.starts_with('"')) {
      first = take_name(rest);
      if (!take(rest, " ")) fail("names no two files");
      second = take_name(rest);
    } else {
      const std::size_t middle = git_names_.size() / 2;
      if (git_names_.size() % 2 == 0 || git_names_[middle] != ' ') return;
      first = git_names_.substr(0, middle);
      second = git_names_.substr(middle + 1);
    }
    const std::string old_path = stripped(first, strip_);
    if (old_path != stripped(second, strip_)) return;
    patch_.old_path = patch_.new_path = old_path;
  }

  // One of git's lines between "diff --git" and the hunks; false when it is none.
  bool git_line(std::string_view line) {
    line = without_cr(line);
    const auto mode = [&](std::string_view text) {
      if (!text.starts_with("100")) {
        unsupported("is about a link or a directory: only files are patched", "patch the wheel itself");
      }
      return text.size() == 6 && text[3] == '7';
    };
    // Their names have no a/ and b/.
    const auto path = [&](std::string_view text) {
      std::string_view rest = text;
      return stripped(take_name(rest), strip_ > 0 ? strip_ - 1 : 0);
    };
    if (take(line, "old mode ")) {
      mode(line);
    } else if (take(line, "new mode ")) {
      patch_.executable = mode(line);
    } else if (take(line, "new file mode ")) {
      patch_.kind = FilePatch::Kind::create;
      patch_.executable = mode(line);
    } else if (take(line, "deleted file mode ")) {
      mode(line);
      patch_.kind = FilePatch::Kind::remove;
    } else if (take(line, "rename from ")) {
      patch_.kind = FilePatch::Kind::rename;
      patch_.old_path = path(line);
    } else if (take(line, "copy from ")) {
      patch_.kind = FilePatch::Kind::copy;
      patch_.old_path = path(line);
    } else if (take(line, "rename to ") || take(line, "copy to ")) {
      patch_.new_path = path(line);
    } else {
      return line.starts_with("index ") || line.starts_with("similarity index ") ||
             line.starts_with("dissimilarity index ");
    }
    return true;
  }

  void finish() {
    if (!open_) return;
    open_ = false;
    if (std::exchange(is_git_, false)) {
      // No hunks came.
      if (patch_.old_path.empty() && patch_.new_path.empty()) take_git_names();
      if (patch_.old_path.empty() || patch_.new_path.empty()) {
        throw Error(ErrorCode::bad_input, Place{name_, patch_.line}, "names no file to patch",
                    "diff --git a/x b/x needs hunks, or lines that say what becomes of the file");
      }
      settle();
    }
    patches_.push_back(std::move(patch_));
  }

  std::string_view rest_;
  const std::string& name_;
  const unsigned strip_;
  std::size_t number_ = 0;  // of the line read last
  std::vector<FilePatch> patches_;
  FilePatch patch_;
  bool open_ = false;    // patch_ is one
  bool is_git_ = false;  // and its names may still come
  std::string_view git_names_;
  bool strips_cr_ = false;
};

}  // namespace

std::vector<FilePatch> parse_patch(std::string_view text, const std::string& name, unsigned strip) {
  return Parser(text, name, strip).run();
}

}  // namespace axle
