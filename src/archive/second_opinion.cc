#include "archive/second_opinion.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace axle::zip {
namespace {

// What libzip reads from: the tail that is in memory already, so that it sees the very bytes that were
// audited and no system call is made for a directory; the file for what lies before.
class Input {
 public:
  Input(const Source& source, const Tail& tail) : source_(source), tail_(tail) { zip_error_init(&error_); }
  ~Input() { zip_error_fini(&error_); }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  static zip_int64_t call(void* self, void* data, zip_uint64_t size, zip_source_cmd_t command) {
    return static_cast<Input*>(self)->run(data, size, command);
  }

 private:
  zip_int64_t run(void* data, zip_uint64_t size, zip_source_cmd_t command) {
    switch (command) {
      case ZIP_SOURCE_OPEN:
        at_ = 0;
        return 0;
      case ZIP_SOURCE_READ:
        return read(static_cast<char*>(data), size);
      case ZIP_SOURCE_SEEK: {
        const zip_int64_t to = zip_source_seek_compute_offset(at_, source_.size, data, size, &error_);
        if (to < 0) return -1;
        at_ = static_cast<std::uint64_t>(to);
        return 0;
      }
      case ZIP_SOURCE_TELL:
        return static_cast<zip_int64_t>(at_);
      case ZIP_SOURCE_STAT: {
        auto* stat = static_cast<zip_stat_t*>(data);
        zip_stat_init(stat);
        stat->valid = ZIP_STAT_SIZE;
        stat->size = source_.size;
        return sizeof *stat;
      }
      case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&error_, data, size);
      case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                              ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                              ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, -1);
      case ZIP_SOURCE_CLOSE:
      case ZIP_SOURCE_FREE:
        return 0;
      default:
        zip_error_set(&error_, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
  }

  zip_int64_t read(char* into, zip_uint64_t size) {
    size = std::min<zip_uint64_t>(size, source_.size - std::min(at_, source_.size));
    if (size == 0) return 0;
    if (at_ >= tail_.begin) {
      std::memcpy(into, tail_.at(at_, size).data(), static_cast<std::size_t>(size));
    } else {
      try {
        source_.read(into, static_cast<std::size_t>(size), at_);
      } catch (const Error&) {  // must not pass through libzip's C frames
        zip_error_set(&error_, ZIP_ER_READ, EIO);
        return -1;
      }
    }
    at_ += size;
    return static_cast<zip_int64_t>(size);
  }

  const Source& source_;
  const Tail& tail_;
  std::uint64_t at_ = 0;
  zip_error_t error_{};
};

struct Discard {
  void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
};

std::string text_of(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

std::unique_ptr<zip_t, Discard> open_with_libzip(const Source& source, Input& input) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* zip_source = zip_source_function_create(Input::call, &input, &error);
  if (zip_source == nullptr) throw Error(ErrorCode::io, Place{source.name}, "libzip: " + text_of(error));
  zip_t* archive = zip_open_from_source(zip_source, ZIP_RDONLY, &error);
  if (archive == nullptr) {
    zip_source_free(zip_source);
    refuse(source, "libzip cannot read it: " + text_of(error));
  }
  zip_error_fini(&error);
  return std::unique_ptr<zip_t, Discard>(archive);
}

}  // namespace

void compare_with_libzip(const Source& source, const Tail& tail, const std::vector<CentralEntry>& entries) {
  Input input(source, tail);
  const auto archive = open_with_libzip(source, input);
  if (const zip_int64_t count = zip_get_num_entries(archive.get(), ZIP_FL_UNCHANGED);
      count != static_cast<zip_int64_t>(entries.size())) {
    refuse(source, "libzip lists " + std::to_string(count) + " members where the audit found " +
                       std::to_string(entries.size()));
  }
  constexpr zip_uint64_t wanted =
      ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_CRC | ZIP_STAT_COMP_METHOD;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const CentralEntry& entry = entries[i];
    zip_stat_t stat;
    zip_stat_init(&stat);
    // Names are compared raw: they are ASCII, or UTF-8 that says so.
    const bool known = zip_stat_index(archive.get(), i, ZIP_FL_UNCHANGED | ZIP_FL_ENC_RAW, &stat) == 0 &&
                       (stat.valid & wanted) == wanted;
    if (!known || entry.raw_name != stat.name || stat.size != entry.size ||
        stat.comp_size != entry.packed_size || stat.crc != entry.crc32 || stat.comp_method != entry.method) {
      refuse_member(source, entry.raw_name, "libzip reads its central header in another way");
    }
  }
}

}  // namespace axle::zip
