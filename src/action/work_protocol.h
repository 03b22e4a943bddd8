#pragma once
// The messages of Bazel's persistent workers, in their two forms. Pure; what is read is bounded and never
// trusted.
//
// The protobuf form is written here by hand: the two messages have ten fields of three wire types, which is
// less code than what protobuf's compiler and runtime would bring into a static build.
// spec: Bazel "worker_protocol.proto"; Protocol Buffers "Encoding"; proto3 JSON mapping.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

enum class WorkForm { json, protobuf };

struct WorkRequest {
  std::vector<std::string> arguments;
  std::vector<std::string> inputs;  // paths
  std::int32_t id = 0;              // 0: one request at a time
  bool cancel = false;              // only asks to cancel the request `id`
  std::int32_t verbosity = 0;
  std::string sandbox_dir;
};

struct WorkResponse {
  std::int32_t exit_code = 0;
  std::string output;
  std::int32_t id = 0;
  bool was_cancelled = false;
};

// What a stream's first bytes tell; nullopt: more are needed. Bazel does not say.
std::optional<WorkForm> detect_form(std::string_view bytes) noexcept;

// Cuts a stream into messages.
class WorkFrames {
 public:
  explicit WorkFrames(WorkForm form) : form_(form) {}

  void append(std::string_view bytes);
  // The next whole message, without its length; nullopt when more bytes are needed. The view lives until
  // append(). Throws Error(bad_input) when no further message can be found.
  std::optional<std::string_view> next();
  // Nothing but white space is left over.
  bool is_clean() const noexcept;

 private:
  std::optional<std::string_view> next_json();
  std::optional<std::string_view> next_protobuf();

  WorkForm form_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what was not given out yet
  // Of the JSON message at begin_, as far as it was looked at.
  std::size_t scanned_ = 0;
  std::int64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

// Unknown fields are passed over. Throws Error(bad_input).
WorkRequest parse_work_request(WorkForm form, std::string_view message);
// With what frames it.
std::string render_work_response(WorkForm form, const WorkResponse& response);
// The request id of a message that is otherwise no good, 0 when it cannot be told.
std::int32_t guess_request_id(WorkForm form, std::string_view message) noexcept;

}  // namespace axle
