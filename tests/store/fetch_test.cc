// Fetching against a server that does what servers should not.

#include "axle/store/fetch.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "axle/base/error.h"
#include "base/text.h"
#include "fault_server.h"
#include "fetching.h"
#include "store/http_retry.h"
#include "store/http_url.h"

namespace axle::test {
namespace {

TEST_F(Fetching, ArrivesWhateverTheServerDoesThatCanBeSurvived) {
  const FaultServer server;
  const std::size_t size = 300'000;
  const std::string name = "/300000-a.bin";
  const std::vector<std::string> paths{"/ok",
                                       "/chunked",
                                       "/close/100",
                                       "/close/50",
                                       "/truncate/3/90000",  // breaks three times and goes on by range
                                       "/truncate-norange/2/90000",  // breaks, and begins anew
                                       "/changed/90000",             // breaks, and is another file then
                                       "/liar/90000",  // breaks, and the rest does not fit what was there
                                       "/wrong-range/90000",  // answers a range with another one
                                       "/flaky/500/2",
                                       "/flaky/502/1",
                                       "/flaky/503/3",
                                       "/flaky/429/2",
                                       "/flaky/408/1",
                                       "/retry-after/429/1/1",
                                       "/drop/2",
                                       "/hops/10",
                                       "/redirect?to=" + server.http() + "/ok",
                                       "/encoded"};
  for (const std::string& path : paths) {
    const bool redirects = path.starts_with("/redirect");
    SCOPED_TRACE(path);
    expect_arrives(request(server.http() + path + name, size), size);
    if (redirects || path == "/close/50") continue;  // a cut body of unknown length is only a wrong hash
    DownloadRequest without_size = request(server.http() + path + name + "?again", size);
    without_size.size.reset();
    expect_arrives(without_size, size);
  }
  // What arrived is never asked for again: 300,000 bytes in pieces of 90,000.
  const std::string log = log_of(server);
  EXPECT_NE(log.find("\"range\": \"bytes=270000-\", \"if_range\": \"\\\"v1\\\"\""), std::string::npos);
  // The log is a page, and those may come packed.
  EXPECT_EQ(count_of(log, "\"accept_encoding\": \"gzip\""), 1U);
  EXPECT_EQ(count_of(log, "\"accept_encoding\": \"identity\"") + 1, count_of(log, "\"accept_encoding\":"));
}

TEST_F(Fetching, LargeFilesArriveOverLinesThatBreakOften) {
  const FaultServer server;
  const std::size_t size = 12U << 20;
  // Eleven breaks with three retries: each follows more than 1 MiB of progress.
  expect_arrives(request(server.http() + "/truncate/11/1100000/12582912-a.bin", size), size);
}

TEST_F(Fetching, EmptyFiles) {
  const FaultServer server;
  expect_arrives(request(server.http() + "/ok/0-empty", 0), 0);
  expect_arrives(request(server.http() + "/chunked/0-empty", 0), 0);
}

TEST_F(Fetching, WrongBytesAreAnIntegrityError) {
  const FaultServer server;
  const std::size_t size = 100'000;
  for (const std::string path : {"/corrupt", "/short", "/endless"}) {
    const Error error = failure(request(server.http() + path + "/100000-a.bin", size));
    EXPECT_EQ(error.code(), ErrorCode::integrity) << error.what();
  }
  DownloadRequest other_hash = request(server.http() + "/ok/100000-a.bin", size);
  other_hash.hashes = {hash_of("another")};
  EXPECT_NE(std::string(failure(other_hash).what()).find(hash_of(pattern(size)).str()), std::string::npos);
  DownloadRequest larger = request(server.http() + "/ok/100000-a.bin", size);
  larger.size = 99'999;
  EXPECT_EQ(failure(larger).code(), ErrorCode::integrity);
  larger.size = 100'001;
  EXPECT_EQ(failure(larger).code(), ErrorCode::integrity);
  DownloadRequest gigantic = request(server.http() + "/gigantic/100000-a.bin", size);
  EXPECT_EQ(failure(gigantic).code(), ErrorCode::integrity);
}

TEST_F(Fetching, HashesOfOneFile) {
  const FaultServer server;
  DownloadRequest wanted = request(server.http() + "/ok/5000-a.bin", 5000);
  // One of several is enough: a requirement lists the hashes of all its files.
  wanted.hashes = {hash_of("another"), hash_of(pattern(5000))};
  expect_arrives(wanted, 5000);
  Hasher hasher(HashAlgorithm::sha512);
  hasher.update(pattern(5000));
  wanted.hashes = {{HashAlgorithm::sha512, to_hex(hasher.finish())}};
  expect_arrives(wanted, 5000);
  // md5 proves nothing: alone it is refused, beside a strong one ignored.
  const Hash md5{HashAlgorithm::md5, std::string(32, '0')};
  wanted.hashes = {md5, hash_of(pattern(5000))};
  expect_arrives(wanted, 5000);
  wanted.hashes = {md5};
  EXPECT_EQ(failure(wanted).code(), ErrorCode::integrity);
  wanted.hashes = {};
  expect_arrives(wanted, 5000);
}

TEST_F(Fetching, ServersThatFailAreNamed) {
  const FaultServer server;
  const struct {
    std::string path;
    std::string words;
  } cases[] = {
      {"/status/404", "404"},
      {"/status/403", "403"},
      {"/status/401", "401"},
      {"/status/500", "500"},
      {"/status/429", "429"},
      {"/status/304", "304"},
      {"/retry-after/429/3600/9", "3600 seconds"},
      {"/loop", "redirects"},
      {"/hops/11", "redirects"},
      {"/nowhere", "302"},
      {"/redirect?to=file:///etc/hostname&x=", "file:///etc/hostname"},
      {"/redirect?to=ftp://127.0.0.1/x&x=", "ftp://"},
      {"/truncate/99/100", "closed"},
      {"/drop/99", "mpty reply"},
      {"/garbage", ""},
      {"/headers", ""},
      {"/silent", "sent nothing"},
      {"/slow/0.1", "sent nothing"},
  };
  std::vector<std::thread> threads;  // some take their time to fail
  std::size_t number = 0;
  for (const auto& each : cases) {
    DownloadRequest wanted = request(server.http() + each.path + "/100000-a.bin", 100'000);
    wanted.destination += std::to_string(number++);
    threads.emplace_back([this, wanted, words = each.words] {
      try {
        FetchOptions options = impatient();
        options.retries = 1;
        get(wanted, options);
        ADD_FAILURE() << wanted.url;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::io) << error.what();
        EXPECT_NE(error.message().find(words), std::string::npos) << error.what();
        EXPECT_NE(error.message().find("numpy 2.1.0"), std::string::npos) << error.what();
        EXPECT_EQ(error.place().file, redact_url(wanted.url));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(fs::is_empty(directory));
}

TEST_F(Fetching, NothingListensThere) {
  DownloadRequest wanted = request("http://127.0.0.1:1/a.whl", 10);
  FetchOptions options = impatient();
  options.retries = 1;
  const Error error = failure(wanted, options);
  EXPECT_EQ(error.code(), ErrorCode::io);
  EXPECT_FALSE(error.hint().empty());
  wanted.url = "http://index.invalid/a.whl";
  EXPECT_EQ(failure(wanted, options).code(), ErrorCode::io);
}

TEST_F(Fetching, DownloadsWithoutSizeAreBounded) {
  const FaultServer server;
  FetchOptions options = impatient();
  options.max_download = 1U << 20;
  DownloadRequest wanted = request(server.http() + "/endless/100-a.bin", 100);
  wanted.size.reset();
  EXPECT_EQ(failure(wanted, options).code(), ErrorCode::io);
  wanted.url = server.http() + "/gigantic/100-a.bin";
  EXPECT_EQ(failure(wanted, options).code(), ErrorCode::io);
}

TEST_F(Fetching, FileUrls) {
  const fs::path source = directory.string() + " source#?%.bin";
  std::ofstream(source, std::ios::binary) << pattern(3'000'000);
  const std::string url = make_file_url(source.string());
  EXPECT_EQ(find_file_url_path(url), source.string());
  FetchOptions offline = impatient();
  offline.network = Network::offline;
  EXPECT_EQ(get(request(url, 3'000'000), offline).sha256, Sha256::of(pattern(3'000'000)));
  EXPECT_EQ(read_all(directory / "archive"), pattern(3'000'000));
  fs::remove(directory / "archive");
  EXPECT_EQ(failure(request(url, 2'999'999)).code(), ErrorCode::integrity);
  DownloadRequest wrong = request(url, 3'000'000);
  wrong.hashes = {hash_of("")};
  EXPECT_EQ(failure(wrong).code(), ErrorCode::integrity);
  fs::remove(source);
  EXPECT_EQ(failure(request(url, 3'000'000)).code(), ErrorCode::io);
  EXPECT_EQ(failure(request("file:///", 1)).code(), ErrorCode::io);
  EXPECT_EQ(failure(request("file://elsewhere/a.whl", 1)).code(), ErrorCode::bad_input);
  EXPECT_EQ(failure(request("ftp://files.example/a.whl", 1)).code(), ErrorCode::unsupported);
  EXPECT_EQ(failure(request("a.whl", 1)).code(), ErrorCode::unsupported);
  EXPECT_EQ(failure(request("https://", 1)).code(), ErrorCode::bad_input);
}

TEST_F(Fetching, APartOfAKilledRunIsNoHindrance) {
  const FaultServer server;
  std::ofstream(directory / "archive.part") << "left over";
  expect_arrives(request(server.http() + "/ok/1000-a.bin", 1000), 1000);
  // Nor is a link that points elsewhere followed.
  const fs::path victim = directory.string() + ".victim";
  std::ofstream(victim) << "mine";
  fs::create_symlink(victim, directory / "archive.part");
  expect_arrives(request(server.http() + "/ok/1000-a.bin", 1000), 1000);
  EXPECT_EQ(read_all(victim), "mine");
  fs::remove(victim);
}

TEST_F(Fetching, Pages) {
  const FaultServer server;
  Fetcher fetcher(impatient());
  const std::vector<PageRequest> requests{
      {server.http() + "/page?type=Text/HTML;%20charset=utf-8&body=hello", "a", "text/html"},
      {server.http() + "/status/404", "b", ""},
      {server.http() + "/redirect?to=/page%3Fbody=there", "c", ""},
      {server.http() + "/status/410", "d", ""},
      {make_file_url((directory / "absent").string()), "e", ""},
  };
  const auto pages = fetcher.fetch_pages(requests);
  EXPECT_EQ(pages[0].value().body, "hello");
  EXPECT_EQ(pages[0]->content_type, "text/html");
  EXPECT_FALSE(pages[1]);
  EXPECT_EQ(pages[2].value().url, server.http() + "/page?body=there");
  EXPECT_FALSE(pages[3]);
  EXPECT_FALSE(pages[4]);

  const std::vector<PageRequest> packed{{server.http() + "/gzip/5000-a", "f", ""}};
  EXPECT_EQ(fetcher.fetch_pages(packed).at(0).value().body, pattern(5000));

  FetchOptions small = impatient();
  small.max_page = 100'000;
  Fetcher bounded(small);
  for (const std::string path : {"/endless/x", "/gigantic/x", "/status/500", "/status/401",
                                 "/truncate/99/10/500-a", "/bomb/90000000", "/broken_gzip/5000-a"}) {
    const std::vector<PageRequest> bad{{server.http() + path, "numpy", ""}};
    try {
      bounded.fetch_pages(bad);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io) << error.what();
      EXPECT_NE(error.message().find("numpy"), std::string::npos) << error.what();
    }
  }
}

TEST(Urls, Resolve) {
  const std::string base = "https://index.example/simple/numpy/";
  EXPECT_EQ(resolve_url(base, "a.whl#sha256=1"), "https://index.example/simple/numpy/a.whl#sha256=1");
  EXPECT_EQ(resolve_url(base, "../../files/a.whl"), "https://index.example/files/a.whl");
  EXPECT_EQ(resolve_url(base, "/files/a.whl?x=1"), "https://index.example/files/a.whl?x=1");
  EXPECT_EQ(resolve_url(base, "//files.example/a.whl"), "https://files.example/a.whl");
  EXPECT_EQ(resolve_url(base, "http://files.example/a.whl"), "http://files.example/a.whl");
  EXPECT_EQ(resolve_url(base + "?page=1", "#x"), base + "?page=1#x");
  EXPECT_EQ(resolve_url("file:///srv/simple/a/index.html", "b.whl"), "file:///srv/simple/a/b.whl");
  EXPECT_EQ(resolve_url("file:///srv/simple/a/index.html", "../b.whl"), "file:///srv/simple/b.whl");
  EXPECT_EQ(resolve_url(base, "mailto:a"), "mailto:a");
  const auto url = parse_url("HTTPS://us%20er:p%40w@Files.Example/a%20b?x#y").value();
  EXPECT_EQ(url.origin(), "https://files.example:443");
  EXPECT_EQ(url.user + "|" + url.password + "|" + url.fragment, "us er|p@w|y");
  EXPECT_EQ(url.text.find('@'), std::string::npos);
  EXPECT_FALSE(parse_url("https:///path"));
  EXPECT_FALSE(parse_url("https://host:99999/"));
  EXPECT_FALSE(parse_url(std::string_view("https://a/\0b", 12)));
}

TEST(Retry, WaitsLongerEachTimeUpToABound) {
  FetchOptions options;
  options.first_backoff = milliseconds(100);
  options.max_backoff = milliseconds(1000);
  options.max_retry_after = milliseconds(5000);
  const auto delay = [&](unsigned attempt, int seconds) {
    return find_delay(attempt, std::chrono::seconds(seconds), options);
  };
  EXPECT_EQ(delay(1, 0), milliseconds(100));
  EXPECT_EQ(delay(2, 0), milliseconds(200));
  EXPECT_EQ(delay(3, 0), milliseconds(400));
  EXPECT_EQ(delay(5, 0), milliseconds(1000));
  EXPECT_EQ(delay(4'000'000'000, 0), milliseconds(1000));
  EXPECT_EQ(delay(1, 3), milliseconds(3000));
  EXPECT_EQ(delay(1, 6), std::nullopt);
}

}  // namespace
}  // namespace axle::test
