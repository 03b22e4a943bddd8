#pragma once
// Starts tests/support/fault_server.py for one test, and stops it.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

extern char** environ;

namespace axle::test {

enum class Tls { no, yes };

class FaultServer {
 public:
  explicit FaultServer(Tls tls = Tls::no, const std::string& root = {}) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
      throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::string script = AXLE_FIXTURES "/../tests/support/fault_server.py";
    std::string root_option = "--root=" + root;
    std::string python = "python3";
    std::string no_tls = "--no-tls";
    std::array<char*, 5> arguments{python.data(), script.data(), nullptr, nullptr, nullptr};
    std::size_t next = 2;
    if (tls == Tls::no) arguments[next++] = no_tls.data();
    if (!root.empty()) arguments[next++] = root_option.data();
    const int failed = ::posix_spawnp(&pid_, "python3", &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    stop_ = in[1];
    std::string line;
    char c = 0;
    while (failed == 0 && ::read(out[0], &c, 1) == 1 && c != '\n') line += c;
    ::close(out[0]);
    if (line.empty()) throw std::runtime_error("the server did not start");
    http_ = "http://127.0.0.1:" + value_of(line, "\"http\": ");
    https_ = "https://127.0.0.1:" + value_of(line, "\"https\": ");
    ca_ = value_of(line, "\"ca\": \"");
  }
  FaultServer(const FaultServer&) = delete;
  FaultServer& operator=(const FaultServer&) = delete;
  ~FaultServer() {
    ::close(stop_);
    ::waitpid(pid_, nullptr, 0);
  }

  const std::string& http() const { return http_; }
  const std::string& https() const { return https_; }
  const std::string& ca() const { return ca_; }
  // "http://USER@127.0.0.1:PORT" for "user:password".
  std::string http_as(const std::string& login) const { return "http://" + login + "@" + http_.substr(7); }

 private:
  static std::string value_of(const std::string& line, const std::string& key) {
    const std::size_t begin = line.find(key) + key.size();
    return line.substr(begin, line.find_first_of(",}\"", begin) - begin);
  }

  pid_t pid_ = 0;
  int stop_ = -1;
  std::string http_;
  std::string https_;
  std::string ca_;
};

}  // namespace axle::test
