#include "action/work_protocol.h"

#include <gtest/gtest.h>

#include "axle/base/error.h"

namespace axle {
namespace {

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string field(unsigned number, const std::string& bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string field(unsigned number, std::uint64_t value) { return varint(number << 3) + varint(value); }

TEST(WorkProtocol, ReadsProtobuf) {
  const std::string message = field(1, std::string("unpack")) + field(1, std::string()) +
                              field(2, field(1, std::string("a.whl")) + field(2, std::string("digest"))) +
                              field(3, std::uint64_t{7}) + field(5, std::uint64_t{10}) +
                              field(6, std::string("sandbox/1")) + field(99, std::string("new")) +
                              varint(98 << 3 | 1) + "12345678" + varint(97 << 3 | 5) + "1234";
  const WorkRequest request = parse_work_request(WorkForm::protobuf, message);
  EXPECT_EQ(request.arguments, (std::vector<std::string>{"unpack", ""}));
  EXPECT_EQ(request.inputs, std::vector<std::string>{"a.whl"});
  EXPECT_EQ(request.id, 7);
  EXPECT_EQ(request.verbosity, 10);
  EXPECT_EQ(request.sandbox_dir, "sandbox/1");
  EXPECT_FALSE(request.cancel);
  EXPECT_TRUE(parse_work_request(WorkForm::protobuf, field(4, std::uint64_t{1})).cancel);
  EXPECT_EQ(parse_work_request(WorkForm::protobuf, "").id, 0);
}

TEST(WorkProtocol, RefusesDamagedProtobuf) {
  for (const std::string& message :
       {std::string("\x0a"), std::string("\x0a\x05") + "ab", std::string(11, '\xff'), std::string("\x0b"),
        std::string("\x09") + "123"}) {
    EXPECT_THROW(parse_work_request(WorkForm::protobuf, message), Error);
  }
  EXPECT_EQ(guess_request_id(WorkForm::protobuf, field(3, std::uint64_t{5}) + "\x0a\x7f"), 5);
}

TEST(WorkProtocol, ReadsJson) {
  const WorkRequest request = parse_work_request(
      WorkForm::json, R"({"arguments":["a","b c"],"inputs":[{"path":"x","digest":"y"},{}],"requestId":3,
                         "sandboxDir":"s","unknown":{"deep":[1]},"cancel":false,"verbosity":null})");
  EXPECT_EQ(request.arguments, (std::vector<std::string>{"a", "b c"}));
  EXPECT_EQ(request.inputs, (std::vector<std::string>{"x", ""}));
  EXPECT_EQ(request.id, 3);
  EXPECT_EQ(request.sandbox_dir, "s");
  for (const char* wrong : {"[]", "{\"arguments\":1}", "{\"requestId\":\"x\"}", "{\"requestId\":4294967296}",
                            "{", "{\"arguments\":[1]}", "rubbish"}) {
    EXPECT_THROW(parse_work_request(WorkForm::json, wrong), Error) << wrong;
  }
  EXPECT_EQ(guess_request_id(WorkForm::json, R"({"requestId":9,"arguments":0})"), 9);
}

TEST(WorkProtocol, WritesBothForms) {
  const WorkResponse response{3, "a\"b", 300, true};
  EXPECT_EQ(render_work_response(WorkForm::json, response),
            "{\"exitCode\":3,\"output\":\"a\\\"b\",\"requestId\":300,\"wasCancelled\":true}\n");
  const std::string message = field(1, std::uint64_t{3}) + field(2, std::string("a\"b")) +
                              field(3, std::uint64_t{300}) + field(4, std::uint64_t{1});
  EXPECT_EQ(render_work_response(WorkForm::protobuf, response), varint(message.size()) + message);
  EXPECT_EQ(render_work_response(WorkForm::protobuf, {}), std::string(1, '\0'));
  EXPECT_EQ(render_work_response(WorkForm::json, {}), "{\"exitCode\":0,\"output\":\"\",\"requestId\":0}\n");
}

TEST(WorkFrames, CutsJsonWhereverItIsSplit) {
  const std::string stream = " {\"a\":\"}{\\\"\"}{\"b\":[{}]}\n{}";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    WorkFrames frames(WorkForm::json);
    std::vector<std::string> messages;
    for (const std::string& piece : {stream.substr(0, cut), stream.substr(cut)}) {
      frames.append(piece);
      while (const auto message = frames.next()) messages.emplace_back(*message);
    }
    EXPECT_EQ(messages, (std::vector<std::string>{"{\"a\":\"}{\\\"\"}", "{\"b\":[{}]}", "{}"})) << cut;
    EXPECT_TRUE(frames.is_clean());
  }
}

TEST(WorkFrames, GivesRubbishBetweenObjectsOutToBeRefused) {
  WorkFrames frames(WorkForm::json);
  frames.append("rubbish{}");
  EXPECT_EQ(*frames.next(), "rubbish");
  EXPECT_EQ(*frames.next(), "{}");
}

TEST(WorkFrames, CutsProtobufAndKnowsWhatIsLeftOver) {
  WorkFrames frames(WorkForm::protobuf);
  const std::string stream = varint(3) + "abc" + varint(0) + varint(200) + std::string(200, 'x');
  std::vector<std::size_t> sizes;
  for (const char c : stream) {
    frames.append(std::string(1, c));
    while (const auto message = frames.next()) sizes.push_back(message->size());
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{3, 0, 200}));
  EXPECT_TRUE(frames.is_clean());
  frames.append(
      "\x05"
      "ab");
  EXPECT_FALSE(frames.next().has_value());
  EXPECT_FALSE(frames.is_clean());
  WorkFrames endless(WorkForm::protobuf);
  endless.append(std::string(20, '\xff'));
  EXPECT_THROW(endless.next(), Error);
  WorkFrames huge(WorkForm::protobuf);
  huge.append(varint(std::uint64_t{1} << 40));
  EXPECT_THROW(huge.next(), Error);
}

TEST(WorkProtocol, TellsTheFormByTheFirstBytes) {
  EXPECT_EQ(detect_form("{\"arguments\""), WorkForm::json);
  EXPECT_EQ(detect_form("{}"), WorkForm::json);
  EXPECT_EQ(detect_form("\n {"), WorkForm::json);
  EXPECT_EQ(detect_form("{\n  \"a\""), WorkForm::json);
  EXPECT_EQ(detect_form("\x12\x0a"), WorkForm::protobuf);
  // 123 bytes of protobuf begin with a brace; the first argument follows.
  EXPECT_EQ(detect_form("{\n\x06unpack"), WorkForm::protobuf);
  EXPECT_EQ(detect_form("{"), std::nullopt);
  EXPECT_EQ(detect_form(""), std::nullopt);
}

}  // namespace
}  // namespace axle
