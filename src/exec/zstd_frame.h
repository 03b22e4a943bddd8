#pragma once
// A zstd frame of matches that are known. How it works, and why it is not libzstd that writes it, stands at
// the head of zstd_frame.cc.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axle/archive/matches.h"
#include "exec/fse_code.h"
#include "exec/zstd_sequences.h"

namespace axle {

// Memory that grows, keeps what it holds, and is never initialised.
template <typename T>
class RawBuffer {
 public:
  // Room for so many, of which the first `kept` stay as they are.
  T* reserve(std::size_t count, std::size_t kept) {
    if (count > capacity_) {
      capacity_ = std::max(count, capacity_ * 2);
      auto grown = std::make_unique_for_overwrite<T[]>(capacity_);
      std::copy_n(items_.get(), kept, grown.get());
      items_ = std::move(grown);
    }
    return items_.get();
  }
  const T* data() const noexcept { return items_.get(); }

 private:
  std::unique_ptr<T[]> items_;
  std::size_t capacity_ = 0;
};

class ZstdFrame {
 public:
  static constexpr std::size_t max_block = 128U << 10;

  void begin();
  // The next bytes, at most max_block: `matches` account for them, the last of them (whose length is 0) for
  // the literals at the end. They lead to nothing before the frame.
  void add_block(std::string_view bytes, std::span<const Match> matches);
  // Puts the frame to the end of `out`.
  void end(std::string& out);

 private:
  struct Block {
    std::size_t size = 0;
    std::size_t literals = 0;
    std::size_t sequences_end = 0;  // in sections_
    bool has_sequences = false;
  };
  // One of the three codes, and what of it the next block may use again.
  struct Code {
    FseTable table;
    std::optional<FseShares> shares;
  };

  std::size_t take_literals(std::string_view bytes, std::span<const Match> matches);
  void append_sequences(std::size_t count, const std::array<FseCounts, 3>& counts);
  unsigned choose_table(std::size_t kind, const FseCounts& counts);

  std::array<Code, 3> codes_;
  ZstdRecent recent_{};
  std::vector<Block> blocks_;
  std::string sections_;
  RawBuffer<ZstdSequence> sequences_;
  RawBuffer<char> bits_;
  RawBuffer<char> literals_;
  std::size_t literals_size_ = 0;
  std::size_t size_ = 0;
};

}  // namespace axle
