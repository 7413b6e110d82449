#include "protocol/repeated_lines.h"

#include <gtest/gtest.h>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using std::chrono::seconds;
using Texts = std::vector<std::string>;

// Of the lines that are not for debugging.
Texts texts(const std::vector<LogLine>& log) {
  Texts found;
  for (const auto& line : log) {
    if (line.level != LogLevel::debug) found.push_back(line.text);
  }
  return found;
}

TEST(RepeatedLines, AClientAndCauseIsOneLineAndACountAMinute) {
  std::vector<LogLine> log;
  RepeatedLines lines(log);
  for (int i = 0; i < 600; ++i) lines.log(LogLevel::info, "a:1 \"meter\"", "closed", std::to_string(i) + ' ');
  EXPECT_EQ(texts(log), Texts{"a:1 \"meter\": 0 closed"});
  EXPECT_EQ(log.size(), 600U);
  log.clear();
  lines.expire(seconds(0));
  lines.expire(seconds(59));
  EXPECT_EQ(texts(log), Texts{});
  lines.expire(seconds(60));
  EXPECT_EQ(texts(log), Texts{"599 more times: closed"});
  lines.log(LogLevel::info, "a:2 \"meter\"", "closed");
  lines.expire(seconds(200));
  lines.expire(seconds(260));
  EXPECT_EQ(texts(log), (Texts{"599 more times: closed", "1 more times: closed"}));
  lines.expire(seconds(400));
  EXPECT_EQ(texts(log).size(), 2U);
}

TEST(RepeatedLines, ManyClientsAreSomeLinesAMinute) {
  std::vector<LogLine> log;
  RepeatedLines lines(log);
  for (int i = 0; i < 100; ++i) {
    lines.log(LogLevel::warn, "a:1 \"" + std::to_string(i) + '"', "one");
    lines.log(LogLevel::warn, "a:1 \"meter\"", "another");
  }
  EXPECT_EQ(texts(log).size(), 21U);
  log.clear();
  lines.expire(seconds(0));
  lines.expire(seconds(60));
  EXPECT_EQ(texts(log), (Texts{"99 more times: another", "80 more times: one"}));
  log.clear();
  lines.log(LogLevel::warn, "a:1 \"99\"", "one");
  EXPECT_EQ(texts(log), Texts{"a:1 \"99\": one"});
}

TEST(RepeatedLines, ATakeoverIsLoggedOnceForAClient) {
  Server server;
  for (int i = 0; i < 300; ++i) {
    Client one(server);
    one.connect("meter");
    Client other(server);
    other.connect("meter");
  }
  EXPECT_EQ(texts(server.log),
            Texts{"127.0.0.1:5000 \"meter\": closed, its client identifier connected again"});
  server.sessions.expire(seconds(0));
  server.sessions.expire(seconds(60));
  EXPECT_EQ(texts(server.log).back(), "299 more times: closed, its client identifier connected again");
}

TEST(RepeatedLines, ACleanSessionThatComesBackRepeatsNothing) {
  Server server;
  server.limits.max_inflight = 1;
  server.limits.max_queued_messages_in_memory = 1;
  server.sessions.handle(NodeOpened{.node = 1, .host = "h", .name = "n"});
  for (int i = 0; i < 300; ++i) {
    Client client(server);
    client.connect("meter");
    AudienceChange change{.node = 1, .session = client.session(), .selection = {}};
    change.selection.natural = mqtt::QoS::at_least_once;
    server.sessions.handle(change);
    for (int message = 0; message < 3; ++message) {
      ItemPublished item{.node = 1, .natural_type = topic::Type::utf8, .payloads = {}};
      item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = "1";
      server.sessions.handle(std::move(item));
    }
    client.send(mqtt::Publish{.topic = "h/utf8/n", .qos = mqtt::QoS::at_least_once, .packet_identifier = 1});
    server.answer(PublishReply::Outcome::failed);
  }
  const auto lines = texts(server.log);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[0].find("does not take messages"), std::string::npos);
  EXPECT_NE(lines[1].find("could not be published now"), std::string::npos);
  EXPECT_NE(lines[2].find("\"meter\": 1 messages were dropped"), std::string::npos);
}

}  // namespace
}  // namespace pubsub_mqtt::session
