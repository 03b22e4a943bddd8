#include "action/work_protocol.h"

#include <simdjson.h>

#include <limits>

#include "action/json_text.h"
#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr std::size_t max_message = 256U << 20;
constexpr std::size_t max_varint = 10;

[[noreturn]] void refuse(std::string what) {
  throw Error(ErrorCode::bad_input, Place{"work request"}, std::move(what));
}

// ---- protobuf

enum class Wire : unsigned { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

class ProtoReader {
 public:
  explicit ProtoReader(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const noexcept { return rest_.empty(); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < max_varint; ++i) {
      if (rest_.empty()) refuse("ends in a number");
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << (7 * i);
      if ((byte & 0x80U) == 0) return value;
    }
    refuse("has a number of more than ten bytes");
  }

  std::string_view bytes(std::uint64_t size) {
    if (size > rest_.size()) refuse("ends in a field");
    const auto field = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(field.size());
    return field;
  }

  void skip(Wire wire) {
    switch (wire) {
      case Wire::varint:
        varint();
        return;
      case Wire::fixed64:
        bytes(8);
        return;
      case Wire::bytes:
        bytes(varint());
        return;
      case Wire::fixed32:
        bytes(4);
        return;
    }
    refuse("has a field of an unknown kind");
  }

 private:
  std::string_view rest_;
};

// int32 fields are sent as 64-bit two's complement; of a larger one the low bits count.
std::int32_t as_int32(std::uint64_t value) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
}

std::string input_path(std::string_view message) {
  std::string path;
  for (ProtoReader reader(message); !reader.at_end();) {
    const std::uint64_t tag = reader.varint();
    if (tag == (1U << 3 | 2)) {
      path = reader.bytes(reader.varint());
    } else {
      reader.skip(static_cast<Wire>(tag & 7));
    }
  }
  return path;
}

WorkRequest parse_protobuf(std::string_view message) {
  WorkRequest request;
  for (ProtoReader reader(message); !reader.at_end();) {
    const std::uint64_t tag = reader.varint();
    const auto wire = static_cast<Wire>(tag & 7);
    const auto text = [&] { return reader.bytes(reader.varint()); };
    switch (tag) {
      case 1U << 3 | 2:
        request.arguments.emplace_back(text());
        break;
      case 2U << 3 | 2:
        request.inputs.push_back(input_path(text()));
        break;
      case 3U << 3:
        request.id = as_int32(reader.varint());
        break;
      case 4U << 3:
        request.cancel = reader.varint() != 0;
        break;
      case 5U << 3:
        request.verbosity = as_int32(reader.varint());
        break;
      case 6U << 3 | 2:
        request.sandbox_dir = text();
        break;
      default:
        reader.skip(wire);
    }
  }
  return request;
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::string render_protobuf(const WorkResponse& response) {
  std::string message;
  const auto number = [&](unsigned field, std::int32_t value) {
    if (value == 0) return;
    put_varint(message, field << 3);
    put_varint(message, static_cast<std::uint64_t>(std::int64_t{value}));
  };
  number(1, response.exit_code);
  if (!response.output.empty()) {
    put_varint(message, 2U << 3 | 2);
    put_varint(message, response.output.size());
    message += response.output;
  }
  number(3, response.id);
  number(4, response.was_cancelled ? 1 : 0);
  std::string framed;
  put_varint(framed, message.size());
  return framed + message;
}

// ---- JSON

namespace dom = simdjson::dom;

std::string json_text(const dom::element& value, std::string_view key) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) refuse(std::string(key) + " is no text");
  return std::string(text);
}

std::int32_t json_number(const dom::element& value, std::string_view key) {
  std::int64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < std::numeric_limits<std::int32_t>::min() ||
      number > std::numeric_limits<std::int32_t>::max()) {
    refuse(std::string(key) + " is no 32-bit number");
  }
  return static_cast<std::int32_t>(number);
}

template <class Take>
void json_list(const dom::element& value, std::string_view key, const Take& take) {
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS) refuse(std::string(key) + " is no list");
  for (const dom::element& one : list) take(one);
}

std::string json_input(const dom::element& value) {
  dom::element path;
  if (value["path"].get(path) != simdjson::SUCCESS) return {};
  return json_text(path, "path");
}

WorkRequest parse_json(std::string_view message) {
  thread_local dom::parser parser(max_message);
  dom::object object;
  if (parser.parse(message.data(), message.size()).get(object) != simdjson::SUCCESS)
    refuse("is no JSON object");
  WorkRequest request;
  for (const dom::key_value_pair field : object) {
    const std::string_view key = field.key;
    if (field.value.is_null()) continue;
    if (key == "arguments") {
      json_list(field.value, key,
                [&](const dom::element& one) { request.arguments.push_back(json_text(one, "an argument")); });
    } else if (key == "inputs") {
      json_list(field.value, key,
                [&](const dom::element& one) { request.inputs.push_back(json_input(one)); });
    } else if (key == "requestId" || key == "request_id") {
      request.id = json_number(field.value, key);
    } else if (key == "cancel") {
      if (field.value.get(request.cancel) != simdjson::SUCCESS) refuse("cancel is not true or false");
    } else if (key == "verbosity") {
      request.verbosity = json_number(field.value, key);
    } else if (key == "sandboxDir" || key == "sandbox_dir") {
      request.sandbox_dir = json_text(field.value, key);
    }
  }
  return request;
}

std::string render_json(const WorkResponse& response) {
  JsonText json;
  json.begin_object().key("exitCode");
  // The exit status of a process: never negative.
  json.number(static_cast<std::uint64_t>(response.exit_code));
  json.key("output").text(response.output).key("requestId");
  json.signed_number(response.id);
  if (response.was_cancelled) json.key("wasCancelled").boolean(true);
  return json.end_object().finish();
}

}  // namespace

std::optional<WorkForm> detect_form(std::string_view bytes) noexcept {
  if (bytes.empty()) return std::nullopt;
  if (bytes.front() != '{') return is_space(bytes.front()) ? WorkForm::json : WorkForm::protobuf;
  // A protobuf message of 123 bytes begins like this too; its next byte is a tag, which is a line end for the
  // first argument.
  if (bytes.size() < 2) return std::nullopt;
  if (bytes[1] == '"' || bytes[1] == '}' || bytes[1] == ' ' || bytes[1] == '\t' || bytes[1] == '\r')
    return WorkForm::json;
  if (bytes[1] != '\n') return WorkForm::protobuf;
  if (bytes.size() < 3) return std::nullopt;
  return bytes[2] == ' ' || bytes[2] == '"' || bytes[2] == '\t' ? WorkForm::json : WorkForm::protobuf;
}

void WorkFrames::append(std::string_view bytes) {
  if (begin_ == buffer_.size()) {
    buffer_.clear();
    begin_ = 0;
    scanned_ = 0;
  } else if (begin_ > (1U << 20) && begin_ > buffer_.size() / 2) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  buffer_ += bytes;
}

std::optional<std::string_view> WorkFrames::next() {
  return form_ == WorkForm::json ? next_json() : next_protobuf();
}

bool WorkFrames::is_clean() const noexcept { return trim(std::string_view(buffer_).substr(begin_)).empty(); }

// A message is an object from its first brace to the one that closes it. What is between objects and no white
// space is given out as a message of its own, to be refused.
std::optional<std::string_view> WorkFrames::next_json() {
  const std::string_view all = buffer_;
  if (depth_ == 0 && !in_string_) {
    while (begin_ < all.size() && is_space(all[begin_])) ++begin_;
    if (begin_ == all.size()) return std::nullopt;
    if (all[begin_] != '{') {
      const std::size_t end = all.find_first_of("{\n", begin_);
      if (end == std::string_view::npos && all.size() - begin_ < max_message) return std::nullopt;
      const std::string_view rubbish = all.substr(begin_, std::min(end, all.size()) - begin_);
      begin_ += rubbish.size();
      return rubbish;
    }
  }
  for (std::size_t at = begin_ + scanned_; at < all.size(); ++at) {
    const char c = all[at];
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      const std::string_view message = all.substr(begin_, at + 1 - begin_);
      begin_ = at + 1;
      scanned_ = 0;
      return message;
    }
  }
  scanned_ = all.size() - begin_;
  if (scanned_ > max_message) refuse("is larger than 256 MiB");
  return std::nullopt;
}

std::optional<std::string_view> WorkFrames::next_protobuf() {
  const std::string_view all = std::string_view(buffer_).substr(begin_);
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == max_varint) refuse("has no length before it");
    size |= static_cast<std::uint64_t>(static_cast<unsigned char>(all[i]) & 0x7FU) << (7 * i);
    if ((static_cast<unsigned char>(all[i]) & 0x80U) != 0) continue;
    if (size > max_message) refuse("says that it is larger than 256 MiB");
    if (all.size() - i - 1 < size) return std::nullopt;
    begin_ += i + 1 + static_cast<std::size_t>(size);
    return all.substr(i + 1, static_cast<std::size_t>(size));
  }
  return std::nullopt;
}

WorkRequest parse_work_request(WorkForm form, std::string_view message) {
  return form == WorkForm::json ? parse_json(message) : parse_protobuf(message);
}

std::string render_work_response(WorkForm form, const WorkResponse& response) {
  return form == WorkForm::json ? render_json(response) : render_protobuf(response);
}

std::int32_t guess_request_id(WorkForm form, std::string_view message) noexcept {
  try {
    if (form == WorkForm::protobuf) {
      std::int32_t id = 0;
      try {
        for (ProtoReader reader(message); !reader.at_end();) {
          const std::uint64_t tag = reader.varint();
          if (tag == 3U << 3) {
            id = as_int32(reader.varint());
          } else {
            reader.skip(static_cast<Wire>(tag & 7));
          }
        }
      } catch (const Error&) {  // what was read until there counts
      }
      return id;
    }
    thread_local dom::parser parser(max_message);
    std::int64_t id = 0;
    if (parser.parse(message.data(), message.size())["requestId"].get(id) == simdjson::SUCCESS)
      return static_cast<std::int32_t>(id);
  } catch (...) {  // out of memory: not known
  }
  return 0;
}

}  // namespace axle
