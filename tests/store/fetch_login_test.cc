// What fetching tells whom: certificates, logins, and what is never printed.

#include <gtest/gtest.h>

#include <fstream>

#include "axle/base/error.h"
#include "base/text.h"
#include "fault_server.h"
#include "fetching.h"
#include "store/http_url.h"

namespace axle::test {
namespace {

TEST_F(Fetching, Tls) {
  const FaultServer server(Tls::yes);
  FetchOptions options = impatient();
  options.ca_bundle = server.ca();
  const DownloadRequest wanted = request(server.https() + "/ok/70000-a.bin", 70'000);
  EXPECT_EQ(get(wanted, options).size, 70'000U);
  fs::remove(wanted.destination);
  // To https is an improvement; back is refused.
  EXPECT_EQ(get(request(server.http() + "/to-https/70000-a.bin", 70'000), options).size, 70'000U);
  fs::remove(wanted.destination);
  const Error downgrade = failure(request(server.https() + "/to-http/70000-a.bin", 70'000), options);
  EXPECT_NE(downgrade.message().find("https to http"), std::string::npos) << downgrade.what();

  // The server's authority is not one of the machine's, and a bundle that is missing is said so.
  const Error unknown = failure(wanted, impatient());
  EXPECT_EQ(unknown.code(), ErrorCode::io);
  EXPECT_NE(unknown.hint().find("SSL_CERT_FILE"), std::string::npos) << unknown.what();
  EXPECT_NE(unknown.hint().find("CURL_CA_BUNDLE"), std::string::npos) << unknown.what();
  options.ca_bundle = "/nonexistent/ca.pem";
  EXPECT_NE(failure(wanted, options).hint().find("SSL_CERT_FILE"), std::string::npos);
}

TEST_F(Fetching, LoginsGoToTheirOwnHostOnly) {
  const FaultServer server;
  const std::string file = "/auth/us%20er/p%40ss/ok/100-a.bin";
  expect_arrives(request(server.http_as("us%20er:p%40ss") + file, 100), 100);
  EXPECT_EQ(failure(request(server.http() + file, 100)).code(), ErrorCode::io);

  FetchOptions options = impatient();
  options.credential_urls = {server.http_as("us%20er:p%40ss") + "/simple"};
  EXPECT_EQ(get(request(server.http() + file, 100), options).size, 100U);
  fs::remove(directory / "archive");

  // Same origin after a redirect: still logged in. Another host name: not.
  const std::string local = server.http_as("us%20er:p%40ss");
  EXPECT_EQ(get(request(local + "/redirect?to=" + file + "&x=/100-a.bin", 100)).size, 100U);
  fs::remove(directory / "archive");
  failure(request(local + "/to-other/auth/us%2520er/p%2540ss/ok/100-a.bin", 100));
  const Error elsewhere = failure(request(local + "/to-other/auth/u/p/ok/100-a.bin", 100));
  EXPECT_NE(elsewhere.message().find("401"), std::string::npos) << elsewhere.what();
  const std::string log = log_of(server);
  const std::size_t hop = log.find("\"/auth/u/p/ok/100-a.bin\"");
  ASSERT_NE(hop, std::string::npos);
  EXPECT_NE(log.find("\"authorization\": null", hop), std::string::npos);
  EXPECT_LT(log.find("\"authorization\": null", hop), log.find("\"host\"", hop));
}

TEST_F(Fetching, Netrc) {
  const FaultServer server;
  const fs::path netrc = directory.string() + ".netrc";
  std::ofstream(netrc) << "machine 127.0.0.1 login me password secret\n";
  FetchOptions options = impatient();
  options.netrc_file = netrc.string();
  EXPECT_EQ(get(request(server.http() + "/auth/me/secret/ok/100-a.bin", 100), options).size, 100U);
  fs::remove(netrc);
}

TEST_F(Fetching, SecretsAreNotInMessages) {
  const FaultServer server;
  const Error error = failure(
      request(server.http_as("me:hunter2") + "/status/404/100-a.bin?token=hunter3#frag=hunter4", 100));
  const std::string all = std::string(error.what()) + error.hint();
  EXPECT_EQ(all.find("hunter"), std::string::npos) << all;
  EXPECT_NE(all.find("****@127.0.0.1"), std::string::npos) << all;
  const Error redirected =
      failure(request(server.http() + "/redirect?to=ftp://me:hunter5@host/x%3Ft=hunter6", 100));
  EXPECT_EQ(redirected.message().find("hunter"), std::string::npos) << redirected.what();
}

TEST_F(Fetching, OfflineMakesNoConnection) {
  FetchOptions options = impatient();
  options.network = Network::offline;
  const Error error = failure(request("http://127.0.0.1:1/a.whl", 10), options);
  EXPECT_EQ(error.code(), ErrorCode::io);
  EXPECT_NE(error.message().find("--offline"), std::string::npos);
  Fetcher fetcher(options);
  const std::vector<PageRequest> pages{{"https://index.example/simple/a/", "a", ""}};
  EXPECT_THROW(fetcher.fetch_pages(pages), Error);
}

TEST(Redact, HidesWhatMayBeSecret) {
  EXPECT_EQ(redact_url("https://files.example/a/b.whl"), "https://files.example/a/b.whl");
  EXPECT_EQ(redact_url("https://me:pw@files.example/a.whl?sig=1#sha256=2"),
            "https://****@files.example/a.whl?****");
  EXPECT_EQ(redact_url("https://token@files.example:8080/@scope/a.whl"),
            "https://****@files.example:8080/@scope/a.whl");
  EXPECT_EQ(redact_url("file:///tmp/a@b.whl"), "file:///tmp/a@b.whl");
  EXPECT_EQ(redact_url(""), "");
  for (const std::string url :
       {"https://me:hun/ter2@files.example/a.whl", "https://me:hun?ter2@files.example/a.whl",
        "https://me:hunter2@", "//me:hunter2@files.example", "me:hunter2@files.example/a.whl",
        "https://me:hunter2@[bad/a.whl", "https://me:hun#ter2@files.example/"}) {
    const std::string text = redact_url(url);
    EXPECT_EQ(text.find("ter2"), std::string::npos) << url << " -> " << text;
    EXPECT_EQ(text.find("hun"), std::string::npos) << url << " -> " << text;
  }
}

}  // namespace
}  // namespace axle::test
