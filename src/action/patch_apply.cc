#include <algorithm>

#include "action/patch_text.h"
#include "axle/base/error.h"

namespace axle {
namespace {

// Applies hunks one after another. `done_` lines of the content are in the result or dropped; a hunk may look
// for lines behind them only, so trailing context of one may be leading context of the next.
class Patcher {
 public:
  Patcher(std::string_view content, const FilePatch& patch, const std::string& name)
      : patch_(patch), name_(name) {
    while (!content.empty()) {
      const std::size_t end = content.find('\n');
      const std::size_t size = end == std::string_view::npos ? content.size() : end + 1;
      lines_.push_back(content.substr(0, size));
      content.remove_prefix(size);
    }
  }

  std::string run() {
    for (const Hunk& hunk : patch_.hunks) {
      std::vector<const PatchLine*> pattern;
      for (const PatchLine& line : hunk.lines) {
        if (line.kind != PatchLine::Kind::added) pattern.push_back(&line);
      }
      const auto at = find(hunk, pattern);
      if (!at) refuse(hunk);
      offset_ = static_cast<std::int64_t>(*at) - (static_cast<std::int64_t>(hunk.old_start) - 1);
      apply(hunk, *at);
    }
    copy_to(lines_.size(), patch_.line);
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(const Hunk& hunk) const {
    std::string hint = "the patch was made for other content; make it anew, for this version";
    std::vector<const PatchLine*> applied;
    for (const PatchLine& line : hunk.lines) {
      if (line.kind != PatchLine::Kind::removed) applied.push_back(&line);
    }
    if (applied.size() <= lines_.size()) {
      for (std::size_t at = done_; at + applied.size() <= lines_.size() && steps_ < most_steps; ++at) {
        if (!applied.empty() && matches(applied, at)) hint = "what it would make is there already";
      }
    }
    throw Error(ErrorCode::conflict, Place{name_, hunk.line},
                "does not apply to " + (patch_.old_path.empty() ? patch_.new_path : patch_.old_path),
                std::move(hint));
  }

  // The index of the line where the hunk's old lines begin. The order of places is that of GNU patch.
  std::optional<std::size_t> find(const Hunk& hunk, const std::vector<const PatchLine*>& pattern) {
    const std::int64_t guess = static_cast<std::int64_t>(hunk.old_start) - 1 + offset_;
    const std::int64_t first = static_cast<std::int64_t>(done_);
    const std::int64_t last =
        static_cast<std::int64_t>(lines_.size()) - static_cast<std::int64_t>(pattern.size());
    if (pattern.empty()) {
      if (guess < first || guess > last) return std::nullopt;
      return static_cast<std::size_t>(guess);
    }
    if (last < first) return std::nullopt;
    const auto is_context = [](const PatchLine& line) { return line.kind == PatchLine::Kind::context; };
    const auto before =
        std::find_if_not(hunk.lines.begin(), hunk.lines.end(), is_context) - hunk.lines.begin();
    const auto after =
        std::find_if_not(hunk.lines.rbegin(), hunk.lines.rend(), is_context) - hunk.lines.rbegin();
    const auto try_at = [&](std::int64_t at) { return matches(pattern, static_cast<std::size_t>(at)); };
    const auto only = [&](std::int64_t at) -> std::optional<std::size_t> {
      if (at < first || at > last || !try_at(at)) return std::nullopt;
      return static_cast<std::size_t>(at);
    };
    if (before < after && hunk.old_start <= 1) return only(0);
    if (after < before) return only(last);
    for (std::int64_t distance = std::max({std::int64_t{0}, first - guess, guess - last});; ++distance) {
      const std::int64_t forward = guess + distance;
      const std::int64_t backward = guess - distance;
      if (forward > last && backward < first) return std::nullopt;
      if (forward >= first && forward <= last && try_at(forward)) return static_cast<std::size_t>(forward);
      if (distance > 0 && backward >= first && backward <= last && try_at(backward))
        return static_cast<std::size_t>(backward);
    }
  }

  // One look costs little; a hunk of many equal lines in a file of many equal lines is made to cost a lot.
  static constexpr std::uint64_t most_steps = 200'000'000;
  bool matches(const std::vector<const PatchLine*>& pattern, std::size_t at) const {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (++steps_ > most_steps) {
        throw Error(ErrorCode::bad_input, Place{name_, patch_.line},
                    "takes too long to find its place in " + patch_.old_path,
                    "make the patch anew, so that its line numbers hold");
      }
      const std::string_view line = lines_[at + i];
      const PatchLine& wanted = *pattern[i];
      if (line.size() != wanted.text.size() + (wanted.newline ? 1 : 0) || !line.starts_with(wanted.text) ||
          line.ends_with('\n') != wanted.newline)
        return false;
    }
    return true;
  }

  void apply(const Hunk& hunk, std::size_t at) {
    for (const PatchLine& line : hunk.lines) {
      switch (line.kind) {
        case PatchLine::Kind::context:
          ++at;
          break;
        case PatchLine::Kind::removed:
          copy_to(at, hunk.line);
          done_ = ++at;
          break;
        case PatchLine::Kind::added:
          copy_to(at, hunk.line);
          put(line.text, hunk.line);
          if (line.newline) result_ += '\n';
      }
    }
  }

  void copy_to(std::size_t end, std::size_t line) {
    for (; done_ < end; ++done_) put(lines_[done_], line);
  }
  void put(std::string_view text, std::size_t line) {
    if (!result_.empty() && !result_.ends_with('\n')) {
      throw Error(ErrorCode::conflict, Place{name_, line}, "puts a line behind one that has no end",
                  "the file has no newline at its end, and the patch does not say so");
    }
    result_ += text;
  }

  const FilePatch& patch_;
  const std::string& name_;
  std::vector<std::string_view> lines_;
  std::size_t done_ = 0;
  std::int64_t offset_ = 0;
  std::string result_;
  mutable std::uint64_t steps_ = 0;
};

}  // namespace

std::string apply_patch(std::string_view content, const FilePatch& patch, const std::string& name) {
  std::string result = Patcher(content, patch, name).run();
  if (patch.kind == FilePatch::Kind::remove && !result.empty()) {
    throw Error(ErrorCode::conflict, Place{name, patch.line},
                "removes " + patch.old_path + ", and not all that is in it",
                "the patch was made for other content; make it anew, for this version");
  }
  return result;
}

}  // namespace axle
