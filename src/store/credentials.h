#pragma once
// Who a user is to which server. A login belongs to one origin (scheme, host and port) and is never sent to
// another.

#include <map>
#include <optional>
#include <string>

#include "store/http_url.h"

namespace axle {

struct Login {
  std::string user;
  std::string password;
};

class Credentials {
 public:
  // Keeps what `url` holds, if anything, for its origin; the first one learned stays.
  void learn(const Url& url);
  // The URL's own, else what was learned for its origin; nullopt leaves it to netrc.
  std::optional<Login> find(const Url& url) const;

 private:
  std::map<std::string, Login> by_origin_;
};

}  // namespace axle
