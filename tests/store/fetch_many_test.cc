// Many downloads at once, and downloads that are ended.

#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "axle/base/error.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "fault_server.h"
#include "fetching.h"

namespace axle::test {
namespace {

TEST_F(Fetching, ManyAtOnceEachOnce) {
  const FaultServer server;
  std::vector<DownloadRequest> requests;
  for (std::size_t i = 0; i < 120; ++i) {
    const std::size_t size = 1000 + 37 * i;
    const std::string path = i % 10 == 3 ? "/flaky/503/1/" : "/ok/";
    requests.push_back({server.http() + path + std::to_string(size) + "-f",
                        "p" + std::to_string(i),
                        (directory / std::to_string(i)).string(),
                        {hash_of(pattern(size))},
                        size});
  }
  FetchOptions options = impatient();
  options.concurrency = 7;
  Fetcher fetcher(options);
  std::vector<int> done(requests.size());
  std::vector<std::uint64_t> received(requests.size());
  fetcher.fetch_all(
      requests,
      {[&](std::size_t i, const DownloadResult& result) { done[i] += result.size == *requests[i].size; },
       [&](const DownloadProgress& progress) { received[progress.index] = progress.received; }});
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(done[i], 1) << i;
    EXPECT_EQ(received[i], *requests[i].size);
    EXPECT_EQ(read_all(requests[i].destination), pattern(*requests[i].size));
  }
}

// As of a wheel that is unpacked from memory, by servers that break off, ignore ranges, or whose file
// changes.
TEST_F(Fetching, BytesInMemoryAreThoseOfTheFile) {
  const FaultServer server;
  const std::vector<std::pair<std::string, std::size_t>> files{{"ok/1-a", 1},
                                                               {"ok/64-b", 64},
                                                               {"ok/90001-c", 90'001},
                                                               {"chunked/127-d", 127},
                                                               {"slow/0.01/40-e", 40},
                                                               {"truncate/2/30000/90001-f", 90'001},
                                                               {"truncate_norange/2/30000/90001-g", 90'001},
                                                               {"changed/30000/90001-h", 90'001},
                                                               {"liar/30000/90001-i", 90'001},
                                                               {"ok/300000-j", 300'000}};
  std::vector<DownloadRequest> requests;
  for (const auto& [path, size] : files) {
    requests.push_back(request(server.http() + "/" + path, size));
    requests.back().destination.clear();
  }
  requests[0].hashes.push_back({HashAlgorithm::sha512, std::string(128, '0')});  // made as well
  Fetcher fetcher(impatient());
  std::size_t count = 0;
  fetcher.fetch_all(requests, {[&](std::size_t i, const DownloadResult& result) {
                      ++count;
                      EXPECT_EQ(*result.bytes, pattern(*requests[i].size)) << requests[i].url;
                      EXPECT_EQ(result.sha256, Sha256::of(pattern(*requests[i].size))) << requests[i].url;
                    }});
  EXPECT_EQ(count, requests.size());
  EXPECT_TRUE(fs::is_empty(directory));

  DownloadRequest bad = request(server.http() + "/corrupt/90000-f", 90'000);
  bad.destination.clear();
  EXPECT_EQ(failure(bad).code(), ErrorCode::integrity);
}

TEST_F(Fetching, WhoHasEnoughToDoWorksOnItFirst) {
  const FaultServer server;
  std::vector<DownloadRequest> requests;
  for (std::size_t i = 0; i < 40; ++i) {
    requests.push_back(request(server.http() + "/ok/3000-" + std::to_string(i), 3000));
    requests.back().destination.clear();
  }
  std::size_t have = 1000;  // pieces of work
  std::size_t got = 0;
  std::size_t got_while_full = 0;
  bool was_less = false;
  Fetcher::Taker taker;
  taker.done = [&](std::size_t, const DownloadResult&) { ++have, ++got; };
  taker.appetite = [&] {
    was_less |= have < 30;
    if (!was_less) got_while_full = got;
    return have == 0 ? Appetite::hungry : have < 30 ? Appetite::fair : Appetite::full;
  };
  taker.work = [&] { return have > 0 && have-- > 0; };
  FetchOptions options = impatient();
  options.concurrency = 4;
  Fetcher fetcher(options);
  fetcher.fetch_all(requests, taker);
  EXPECT_EQ(got, requests.size());
  EXPECT_TRUE(was_less);
  EXPECT_LE(got_while_full, 4U) << "those that were begun before it was known how soon they come";
  // The same fetcher goes on after its connections were closed.
  fetcher.disconnect();
  fetcher.fetch_all(requests, {taker.done});
  EXPECT_EQ(got, 2 * requests.size());
}

TEST_F(Fetching, OneFailureEndsTheRestAndLeavesNoParts) {
  const FaultServer server;
  std::vector<DownloadRequest> requests;
  for (std::size_t i = 0; i < 20; ++i) {
    const bool bad = i == 4;
    requests.push_back({server.http() +
                            (bad          ? "/corrupt"
                             : i % 2 == 0 ? "/slow/0.2"
                                          : "/ok") +
                            "/5000-f",
                        "p" + std::to_string(i),
                        (directory / std::to_string(i)).string(),
                        {hash_of(pattern(5000))},
                        5000});
  }
  Fetcher fetcher(impatient());
  try {
    fetcher.fetch_all(requests, {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::integrity);
    EXPECT_NE(error.message().find("p4"), std::string::npos) << error.what();
  }
  for (const auto& entry : fs::directory_iterator(directory)) {
    EXPECT_NE(entry.path().extension(), ".part");
    EXPECT_EQ(read_all(entry.path()), pattern(5000));
  }
  // The same fetcher goes on.
  fs::remove_all(directory);
  fs::create_directory(directory);
  fetcher.fetch_all({&requests[1], 1}, {});
  EXPECT_TRUE(fs::exists(requests[1].destination));
}

TEST_F(Fetching, CallersMayStopAndMayTakeTheirTime) {
  const FaultServer server;
  std::vector<DownloadRequest> requests(2, request(server.http() + "/ok/100-a.bin", 100));
  requests[1].url = server.http() + "/slow/0.05/40-b.bin";
  requests[1].destination += "2";
  requests[1].size = 40;
  requests[1].hashes = {hash_of(pattern(40))};
  FetchOptions options = impatient();
  options.retries = 0;
  options.min_speed = 10;
  Fetcher fetcher(options);
  // The callback takes longer than a stall may: that is not the other server's fault.
  std::size_t count = 0;
  fetcher.fetch_all(requests, {[&](std::size_t, const DownloadResult&) {
                      if (++count == 1) std::this_thread::sleep_for(milliseconds(1800));
                    }});
  EXPECT_EQ(count, 2U);
  const auto stop = [](std::size_t, const DownloadResult&) { throw Error(ErrorCode::conflict, "enough"); };
  EXPECT_THROW(fetcher.fetch_all(requests, {stop}), Error);
  EXPECT_FALSE(fs::exists(requests[1].destination + ".part"));
}

TEST_F(Fetching, AnInterruptStopsAtOnce) {
  const FaultServer server;
  EXPECT_EXIT(
      {
        const auto wanted = request(server.http() + "/silent/100-a.bin", 100);
        FetchOptions options = impatient();
        options.stall_timeout = milliseconds(60'000);
        std::thread([] {
          std::this_thread::sleep_for(milliseconds(200));
          request_interrupt(2);
        }).detach();
        try {
          get(wanted, options);
        } catch (const Error& error) {
          std::_Exit(error.code() == ErrorCode::interrupted && fs::is_empty(directory) ? 42 : 1);
        }
        std::_Exit(2);
      },
      testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace axle::test
