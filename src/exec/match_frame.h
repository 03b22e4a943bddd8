#pragma once
// A part of a tar that becomes one zstd frame without a search for matches: those of the members come from
// the wheels' deflate streams, headers are told as what they differ in from the header before.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "axle/archive/matches.h"
#include "exec/wheel_set.h"
#include "exec/zstd_frame.h"

namespace axle {

class MatchFrame {
 public:
  // A block can be written as soon as it is told, while it is in the nearest memory; or all of them when the
  // frame is closed, where others wait meanwhile for what is told.
  enum class Writing { at_once, at_close };

  bool is_open() const noexcept { return is_open_; }
  // The frame begins at the end of `tar`, and gets all that is put there and told until close(). What was
  // told may be written already, so it must not change.
  void open(const std::string& tar, Writing writing);
  // All that was put to the end of `tar` since something was told: header blocks, zeros, or anything.
  void tell_header(const std::string& tar);
  void tell_zeros(const std::string& tar);
  void tell_literals(const std::string& tar);
  // Puts the next `size` bytes of a file to the end of `tar`. Of what was read of the file before, the last
  // `history` bytes are there already.
  void read(std::string& tar, WheelSet::Matches& file, std::uint64_t size, std::size_t history);
  // Puts the frame to the end of `packed`.
  void close(const std::string& tar, std::string& packed);
  // Nothing is made of it.
  void abandon() noexcept { is_open_ = false; }

 private:
  std::size_t left_in_block() const noexcept;
  void told(const std::string& tar, std::size_t count);
  void end_block(const std::string& tar);
  void write_blocks(const std::string& tar);
  void tell_like(const std::string& tar, std::size_t to, std::size_t distance);
  void tell_runs(const std::string& tar, std::size_t to);

  struct End {
    std::size_t at = 0;
    std::size_t matches = 0;
  };

  bool is_open_ = false;
  Writing writing_ = Writing::at_once;
  std::size_t begin_ = 0;
  std::size_t block_ = 0;    // where the current block begins
  std::size_t at_ = 0;       // up to here all is told
  std::size_t header_ = 0;   // of the last header block; begin_ when there was none
  std::size_t written_ = 0;  // up to here blocks are written
  std::vector<End> ends_;    // of the blocks that are not
  MatchList list_;           // of these, and of the current block
  ZstdFrame frame_;
};

}  // namespace axle
