#include "connection/stream_stack.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conversation.h"
#include "tls_stream_fixture.h"

namespace pubsub_mqtt::tests {
namespace {

using net::SendQueue;
using net::Stream;
using net::StreamStack;

std::string take(SendQueue& queue) {
  std::string bytes;
  SendQueue::Buffers buffers;
  for (const auto& piece : queue.front(buffers)) {
    bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  queue = {};
  return bytes;
}

// Puts brackets around whatever passes, so that a test sees who was there first. "!" from below is answered,
// "." is the client's goodbye, "x" fails.
class Brackets final : public Stream {
 public:
  Brackets(char open, char close) : open_(open), close_(close) {}

  bool needs_turns() const override { return costly; }
  bool take_turn() override { return has_turn; }
  Status receive(std::string_view bytes, std::string& above, std::string& answer) override {
    above.append(1, open_).append(bytes).append(1, close_);
    if (bytes.find('!') != std::string_view::npos) answer.append("answer");
    if (bytes.find('x') != std::string_view::npos) error_ = "an x";
    if (!error_.empty()) return Status::failed;
    return bytes.find('.') != std::string_view::npos ? Status::closed : Status::open;
  }
  Status send(SendQueue& above, SendQueue& below) override {
    below.push(std::string_view(&open_, 1));
    below.append(std::move(above));
    below.push(std::string_view(&close_, 1));
    return Status::open;
  }
  void close(std::string& answer) override { answer.append("bye"); }
  std::optional<net::Introduction> take_introduction() override {
    return std::exchange(knows_client, false)
               ? std::optional(
                     net::Introduction{.peer = {.address = "192.0.2.1", .name = "192.0.2.1:1"}, .place = {}})
               : std::nullopt;
  }
  bool is_done() const override { return done; }
  std::optional<Time> next_ping() const override { return ping_at; }
  void ping(Time now, std::string& answer) override {
    if (!ping_at) return;
    answer.append("ping");
    ping_at = now;
  }
  std::string_view name() const override { return "Brackets"; }
  std::string_view error() const override { return error_; }

  bool costly = false;
  bool has_turn = false;
  bool knows_client = false;
  bool done = false;
  std::optional<Time> ping_at;

 private:
  char open_;
  char close_;
  std::string error_;
};

class StreamStackTest : public testing::Test {
 protected:
  StreamStackTest() {
    auto below = std::make_unique<Brackets>('(', ')');
    auto above = std::make_unique<Brackets>('[', ']');
    lower = below.get();
    upper = above.get();
    stack.push(std::move(below));
    stack.push(nullptr);
    stack.push(std::move(above));
  }

  Stream::Status receive(std::string_view bytes) { return stack.receive(bytes, received, sent); }

  StreamStack stack;
  Brackets* lower;
  Brackets* upper;
  std::string received;
  SendQueue sent;
};

TEST(EmptyStreamStackTest, PassesEverythingThrough) {
  StreamStack stack;
  EXPECT_TRUE(stack.empty());
  EXPECT_FALSE(stack.needs_turns());
  std::string received;
  SendQueue above;
  SendQueue sent;
  const auto shared = std::make_shared<const std::string>("shared");
  above.push(shared);
  EXPECT_EQ(stack.send(above, sent), Stream::Status::open);
  EXPECT_TRUE(above.empty());
  SendQueue::Buffers buffers;
  EXPECT_EQ(sent.front(buffers)[0].iov_base, shared->data()) << "not a copy";
  EXPECT_EQ(stack.receive("in", received, sent), Stream::Status::open);
  EXPECT_EQ(received, "in");
  stack.close(sent);
  EXPECT_EQ(take(sent), "shared");
}

TEST_F(StreamStackTest, BytesPassThroughAllInOrder) {
  EXPECT_EQ(receive("in"), Stream::Status::open);
  EXPECT_EQ(received, "[(in)]");
  SendQueue above;
  above.push("out");
  EXPECT_EQ(stack.send(above, sent), Stream::Status::open);
  EXPECT_EQ(take(sent), "([out])");
}

TEST_F(StreamStackTest, NothingIsSentWhereNothingWaits) {
  SendQueue above;
  EXPECT_EQ(stack.send(above, sent), Stream::Status::open);
  EXPECT_EQ(take(sent), "");
}

TEST_F(StreamStackTest, AnswersPassThroughTheStreamsBelow) {
  EXPECT_EQ(receive("!"), Stream::Status::open);
  EXPECT_EQ(take(sent), "answer(answer)");
}

TEST_F(StreamStackTest, TheOneOnTopSaysGoodbyeFirst) {
  stack.close(sent);
  EXPECT_EQ(take(sent), "(bye)bye");
}

TEST_F(StreamStackTest, WhatCameBeforeTheEndIsReceived) {
  EXPECT_EQ(receive("last."), Stream::Status::closed);
  EXPECT_EQ(received, "[(last.)]");
}

TEST_F(StreamStackTest, AFailureSaysWhoseItIs) {
  EXPECT_EQ(stack.failure(), "");
  EXPECT_EQ(receive("x"), Stream::Status::failed);
  EXPECT_EQ(stack.failure(), "Brackets failed: an x");
}

TEST_F(StreamStackTest, HasItsTurnWhenAllThatNeedOneHave) {
  EXPECT_FALSE(stack.needs_turns());
  lower->costly = true;
  EXPECT_TRUE(stack.needs_turns());
  EXPECT_FALSE(stack.take_turn());
  lower->has_turn = true;
  EXPECT_TRUE(stack.take_turn());
}

TEST_F(StreamStackTest, OneThatHasNothingMoreToDoLeaves) {
  stack.drop_done();
  receive("in");
  EXPECT_EQ(received, "[(in)]");
  lower->done = true;
  stack.drop_done();
  received.clear();
  receive("in");
  EXPECT_EQ(received, "[in]");
  upper->done = true;
  stack.drop_done();
  EXPECT_TRUE(stack.empty());
}

TEST_F(StreamStackTest, WhicheverKnowsTheClientSaysSoOnce) {
  EXPECT_FALSE(stack.take_introduction());
  lower->knows_client = true;
  EXPECT_EQ(stack.take_introduction()->peer.address, "192.0.2.1");
  EXPECT_FALSE(stack.take_introduction());
}

TEST_F(StreamStackTest, APingPassesThroughTheStreamsBelow) {
  EXPECT_FALSE(stack.next_ping());
  upper->ping_at = Time(30);
  EXPECT_EQ(stack.next_ping(), Time(30));
  stack.ping(Time(31), sent);
  EXPECT_EQ(take(sent), "(ping)");
  EXPECT_EQ(stack.next_ping(), Time(31));
}

// A client inside a client, and a server inside a server.
TEST_F(TlsStreamTest, TlsCanBeStackedOnTls) {
  TlsClient outer({});
  TlsClient inner({});
  StreamStack stack;
  stack.push(std::make_unique<TlsStream>(contexts(server("outer.example"))));
  stack.push(std::make_unique<TlsStream>(contexts(server("inner.example"))));
  std::string received;
  std::size_t seen = 0;
  const auto run = [&] {
    for (int i = 0; i < 20; ++i) {
      outer.work();
      inner.feed(std::string_view(outer.received()).substr(seen));
      seen = outer.received().size();
      inner.work();
      if (outer.handshake_done()) {
        const std::string hidden = inner.take_ciphertext();
        if (!hidden.empty()) outer.write(hidden);
      }
      SendQueue answers;
      stack.receive(outer.take_ciphertext(), received, answers);
      outer.feed(take(answers));
    }
  };
  run();
  EXPECT_TRUE(inner.handshake_done());
  EXPECT_EQ(inner.server_common_name(), "inner.example");
  EXPECT_EQ(outer.server_common_name(), "outer.example");
  inner.write("from the client");
  run();
  EXPECT_EQ(received, "from the client");
  SendQueue above;
  SendQueue below;
  above.push("from the server");
  EXPECT_EQ(stack.send(above, below), Status::open);
  outer.feed(take(below));
  run();
  EXPECT_EQ(inner.received(), "from the server");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
