#include "exec/match_frame.h"

#include <algorithm>

#include "exec/tar_format.h"

namespace axle {
namespace {

// Shorter ones cost about as much as their bytes.
constexpr std::size_t min_run = 6;

}  // namespace

void MatchFrame::open(const std::string& tar, Writing writing) {
  is_open_ = true;
  writing_ = writing;
  begin_ = block_ = at_ = header_ = written_ = tar.size();
  ends_.clear();
  list_.clear();
  frame_.begin();
}

std::size_t MatchFrame::left_in_block() const noexcept { return block_ + ZstdFrame::max_block - at_; }

void MatchFrame::told(const std::string& tar, std::size_t count) {
  at_ += count;
  if (left_in_block() == 0) end_block(tar);
}

void MatchFrame::end_block(const std::string& tar) {
  list_.end_block();
  ends_.push_back({at_, list_.matches().size()});
  block_ = at_;
  if (writing_ == Writing::at_once) write_blocks(tar);
}

void MatchFrame::write_blocks(const std::string& tar) {
  std::size_t first = 0;
  for (const End& end : ends_) {
    frame_.add_block(std::string_view(tar).substr(written_, end.at - written_),
                     list_.matches().subspan(first, end.matches - first));
    written_ = end.at;
    first = end.matches;
  }
  ends_.clear();
  list_.clear();
}

void MatchFrame::tell_like(const std::string& tar, std::size_t to, std::size_t distance) {
  while (at_ < to) {
    const std::size_t end = std::min(to, at_ + left_in_block());
    std::size_t same = at_;
    while (same < end && tar[same] == tar[same - distance]) ++same;
    if (same - at_ >= min_run) {
      list_.add_match(static_cast<std::uint32_t>(distance), same - at_);
      told(tar, same - at_);
    } else {
      const std::size_t count = std::min(same + 1, end) - at_;
      list_.add_literals(count);
      told(tar, count);
    }
  }
}

void MatchFrame::tell_header(const std::string& tar) {
  while (at_ < tar.size()) {
    const std::size_t here = at_;
    const std::size_t end = std::min(here + tar_block, tar.size());
    if (here == begin_) {
      tell_runs(tar, end);
    } else {
      tell_like(tar, end, here - header_);
    }
    header_ = here;
  }
}

void MatchFrame::tell_runs(const std::string& tar, std::size_t to) {
  if (at_ == to) return;
  list_.add_literals(1);
  told(tar, 1);
  tell_like(tar, to, 1);
}

void MatchFrame::tell_zeros(const std::string& tar) { tell_runs(tar, tar.size()); }

void MatchFrame::tell_literals(const std::string& tar) {
  while (at_ < tar.size()) {
    const std::size_t count = std::min(left_in_block(), tar.size() - at_);
    list_.add_literals(count);
    told(tar, count);
  }
}

void MatchFrame::read(std::string& tar, WheelSet::Matches& file, std::uint64_t size, std::size_t history) {
  while (size > 0) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_in_block(), size));
    tar.resize(at_ + count);
    file.read({tar.data() + at_, count, history, at_ - begin_}, list_);
    told(tar, count);
    history += count;
    size -= count;
  }
}

void MatchFrame::close(const std::string& tar, std::string& packed) {
  is_open_ = false;
  if (at_ > block_) end_block(tar);
  write_blocks(tar);
  frame_.end(packed);
}

}  // namespace axle
