#include "axle/archive/matches.h"

#include <algorithm>
#include <optional>

#include "archive/archive_impl.h"
#include "archive/deflate_parser.h"
#include "archive/stream.h"
#include "base/interrupt.h"

namespace axle {
namespace {

// What is read at once of a large member; of small ones that follow one another, so much.
constexpr std::uint64_t read_size = 256U << 10;
constexpr std::uint64_t read_ahead = 32U << 10;

}  // namespace

Match* MatchList::reserve(std::size_t count) {
  if (size_ + count > capacity_) {
    const std::size_t capacity = std::max(size_ + count, capacity_ * 2);
    auto grown = std::make_unique_for_overwrite<Match[]>(capacity);
    std::copy_n(begin_.get(), size_, grown.get());
    begin_ = std::move(grown);
    capacity_ = capacity;
  }
  return begin_.get() + size_;
}

struct MatchReader::Impl {
  zip::DeflateParser parser;
  zip::Bytes packed;  // bytes [begin, end) of the archive with that serial
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t serial = 0;
  std::optional<zip::Source> source;
  const Member* member = nullptr;
  std::optional<Member> placed;
  std::uint64_t at = 0;  // the next packed byte
  std::uint64_t size = 0;
  std::uint32_t crc = 0;

  using Status = zip::DeflateParser::Status;

  std::uint64_t packed_end() const { return member->data_offset + member->packed_size; }

  zip::DeflateParser::Input input() {
    const std::uint64_t wanted = std::min<std::uint64_t>(packed_end() - at, zip::DeflateParser::min_input);
    if (source->serial == 0 || serial != source->serial || at < begin || at + wanted > end) {
      throw_if_interrupted();
      const std::uint64_t ahead = std::min(read_ahead, source->size - std::min(source->size, at));
      const std::uint64_t count = std::max(std::min(packed_end() - at, read_size), ahead);
      serial = 0;
      source->read(packed.reserve(static_cast<std::size_t>(count)), static_cast<std::size_t>(count), at);
      begin = at;
      end = at + count;
      serial = source->serial;
    }
    const std::uint64_t stop = std::min(end, packed_end());
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(packed.data());
    return {bytes + (at - begin), bytes + (stop - begin), stop == packed_end()};
  }

  // Until the output is full or the stream ends.
  Status run(zip::DeflateParser::Output& output) {
    while (true) {
      zip::DeflateParser::Input in = input();
      const std::uint8_t* const from = in.next;
      const Status status = parser.run(in, output);
      at += static_cast<std::uint64_t>(in.next - from);
      if (status == Status::damaged)
        zip::refuse_member(*source, member->name, "its deflate stream is damaged");
      if (status != Status::wants_input) return status;
    }
  }
};

MatchReader::MatchReader() : impl_(std::make_unique<Impl>()) {}
MatchReader::MatchReader(MatchReader&&) noexcept = default;
MatchReader::~MatchReader() = default;

void MatchReader::begin(const Archive& archive, const Member& member) {
  impl_->source.emplace(archive.impl_->source());
  impl_->member = &archive.impl_->placed(member, impl_->placed);
  impl_->at = impl_->member->data_offset;
  impl_->size = 0;
  impl_->crc = 0;
  impl_->parser.begin();
}

void MatchReader::read(const Target& target, MatchList& list) {
  if (target.size == 0) return;
  auto* const out = reinterpret_cast<std::uint8_t*>(target.out);
  zip::DeflateParser::Output output;
  output.next = out;
  output.end = out + target.size;
  output.history = out - target.history;
  output.reach = out - std::min(target.reach, target.history);
  output.matches = list.reserve(target.size / 3 + 2);
  output.literals = list.literals();
  const Match* const first = output.matches;
  impl_->run(output);
  if (output.next != output.end) {
    zip::refuse_too_small(*impl_->source, *impl_->member,
                          impl_->size + static_cast<std::uint64_t>(output.next - out));
  }
  list.take(static_cast<std::size_t>(output.matches - first), output.literals);
  impl_->size += target.size;
  impl_->crc = zip::crc32_of({target.out, target.size}, impl_->crc);
}

void MatchReader::finish() {
  zip::DeflateParser::Output output;
  Match none{};
  std::uint8_t nothing = 0;
  output.next = output.end = &nothing;
  output.history = output.reach = &nothing;
  output.matches = &none;
  if (impl_->run(output) != Impl::Status::done) zip::refuse_too_large(*impl_->source, *impl_->member);
  if (impl_->at != impl_->packed_end()) {
    zip::refuse_rest(*impl_->source, *impl_->member, impl_->packed_end() - impl_->at);
  }
  zip::check_crc(*impl_->source, *impl_->member, impl_->crc);
}

}  // namespace axle
