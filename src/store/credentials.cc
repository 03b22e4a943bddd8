#include "store/credentials.h"

namespace axle {

void Credentials::learn(const Url& url) {
  if (url.user.empty() && url.password.empty()) return;
  by_origin_.try_emplace(url.origin(), Login{url.user, url.password});
}

std::optional<Login> Credentials::find(const Url& url) const {
  if (!url.user.empty() || !url.password.empty()) return Login{url.user, url.password};
  const auto known = by_origin_.find(url.origin());
  return known == by_origin_.end() ? std::nullopt : std::optional(known->second);
}

}  // namespace axle
