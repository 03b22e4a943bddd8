#include "axle/base/error.h"

#include <utility>

namespace axle {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::usage:
      return "usage";
    case ErrorCode::bad_input:
      return "bad_input";
    case ErrorCode::integrity:
      return "integrity";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::no_match:
      return "no_match";
    case ErrorCode::io:
      return "io";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::interrupted:
      return "interrupted";
  }
  return "io";
}

std::string to_string(const Place& place) {
  std::string text = place.file;
  if (place.line != 0) {
    text += (text.empty() ? "line " : ":") + std::to_string(place.line);
    if (place.column != 0) text += ":" + std::to_string(place.column);
  }
  return text;
}

Error::Error(ErrorCode code, std::string message, std::string hint)
    : Error(code, Place{}, std::move(message), std::move(hint)) {}

Error::Error(ErrorCode code, Place place, std::string message, std::string hint)
    : code_(code), place_(std::move(place)), message_(std::move(message)), hint_(std::move(hint)) {
  what_ = to_string(place_);
  if (!what_.empty()) what_ += ": ";
  what_ += message_;
}

Error Error::within(std::string_view outer) const {
  Place place = place_;
  place.file = place.file.empty() ? std::string(outer) : std::string(outer) + ": " + place.file;
  return Error(code_, std::move(place), message_, hint_);
}

}  // namespace axle
