#include "cli/link_url.h"

#include <gtest/gtest.h>

namespace axle::cli {
namespace {

TEST(LinkUrl, KeepsWhatIsOne) {
  for (const char* url :
       {"https://example.org", "https://example.org/a?b=c&d=%20e#f", "http://user@example.org:8080/",
        "https://b\xc3\xbc"
        "cher.example/\xc3\xbc",
        "https://example.org?x", "https://example.org#x"}) {
    EXPECT_EQ(link_url(url), url);
  }
  EXPECT_EQ(link_url("HTTPS://Example.org/A"), "https://Example.org/A");
}

TEST(LinkUrl, EncodesWhatMayNotStandThere) {
  EXPECT_EQ(link_url("https://chat.example/#/#room:example.org"),
            "https://chat.example/#/%23room:example.org");
  EXPECT_EQ(link_url("https://example.org/100%/%zz/%4"), "https://example.org/100%25/%25zz/%254");
  EXPECT_EQ(link_url("https://example.org/a[1]"), "https://example.org/a%5B1%5D");
}

TEST(LinkUrl, LeavesOutWhatIsNone) {
  for (const char* url :
       {"", "UNKNOWN", "example.org", "://example.org", "https://", "https:///path", "https://:80/",
        "https://example.org:http/", "https://[::1]/", "https://a b/", "https://example.org/a b",
        "https://example.org/{name}", "https://example.org/\n", "https://example.org/\x7f",
        "javascript:alert(1)", "file:///etc/passwd", "https://example.org/<x>", "https://a%2/"}) {
    EXPECT_EQ(link_url(url), std::nullopt) << url;
  }
}

}  // namespace
}  // namespace axle::cli
