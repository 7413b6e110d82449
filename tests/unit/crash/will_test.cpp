// Wills of clients whose sessions are not stored, over the death of the process (docs/durability.md).
#include "process_fixture.h"

namespace pubsub_mqtt {
namespace {

constexpr std::chrono::seconds keep_alive{30};

class WillCrashTest : public ProcessFixture {
 protected:
  Client& connect(bool clean_session = true, bool has_will = true) {
    clients.push_back(std::make_unique<Client>(server()));
    Client& client = *clients.back();
    mqtt::Connect packet{.clean_session = clean_session,
                         .keep_alive = static_cast<std::uint16_t>(keep_alive.count()),
                         .client_identifier = "c"};
    if (has_will) packet.will = mqtt::Publish{.topic = "pubsub/utf8/node", .payload = "gone"};
    client.send(packet);
    process->run();
    return client;
  }
  // In a session that was stored, and ends with this connection.
  Client& resume_to_end(bool has_will = true) {
    connect(false, false).lose();
    process->run();
    clients.push_back(std::make_unique<Client>(server()));
    Client& client = *clients.back();
    mqtt::Connect packet{.level = mqtt::ProtocolLevel::mqtt_5,
                         .clean_session = false,
                         .keep_alive = static_cast<std::uint16_t>(keep_alive.count()),
                         .client_identifier = "c"};
    if (has_will) packet.will = mqtt::Publish{.topic = "pubsub/utf8/node", .payload = "gone"};
    client.send(packet);
    process->run();
    return client;
  }
  void pass(Time time) {
    server().sessions.meet_deadlines(process_begins + time);
    process->run();
  }
  std::size_t wills() const { return service.published.size(); }

  std::vector<std::unique_ptr<Client>> clients;
};

TEST_F(WillCrashTest, ItGoesOutWhenTheTimeToComeBackIsOver) {
  connect();
  begin();
  process->run();
  EXPECT_EQ(wills(), 0U);
  pass(keep_alive - Time(1));
  EXPECT_EQ(wills(), 0U);
  pass(keep_alive);
  EXPECT_EQ(wills(), 1U);
  begin();
  pass(keep_alive);
  EXPECT_EQ(wills(), 1U) << "once is enough";
}

TEST_F(WillCrashTest, AClientThatComesBackCallsItOff) {
  for (const bool clean_session : {true, false}) {
    connect();
    begin();
    Client& again = connect(clean_session, false);
    pass(keep_alive);
    again.send(mqtt::Disconnect{});
    process->run();
    begin();
    pass(keep_alive);
    EXPECT_EQ(wills(), 0U) << clean_session;
  }
}

TEST_F(WillCrashTest, DisconnectCallsItOff) {
  for (const bool clean_session : {true, false}) {
    (clean_session ? connect() : resume_to_end()).send(mqtt::Disconnect{});
    process->run();
    begin();
    pass(keep_alive);
    EXPECT_EQ(wills(), 0U) << clean_session;
  }
}

// [MQTT5-3.1.2-8]. A session that is over is not resumed.
TEST_F(WillCrashTest, ThatOfASessionWhichEndsWithItsConnectionGoesOutAsWell) {
  for (const bool comes_back : {false, true}) {
    resume_to_end();
    for (int deaths = 0; deaths < 2; ++deaths) {
      begin();
      process->run();
      EXPECT_EQ(wills(), 0U);
    }
    if (comes_back) {
      Client& again = connect(false, false);
      EXPECT_EQ(again.outbox.take(), session::accepted) << "its session is over";
    }
    pass(keep_alive);
    EXPECT_EQ(wills(), comes_back ? 0U : 1U);
    begin();
    pass(keep_alive);
    EXPECT_EQ(wills(), comes_back ? 0U : 1U) << "once is enough";
    service.published.clear();
    begin_anew();
  }
}

// By pubsub's storage, which was full, say.
TEST_F(WillCrashTest, OneThatCouldNotBePublishedGoesOutAfterTheNextStart) {
  for (const bool clean_session : {true, false}) {
    Client& client = connect(clean_session);
    service.outcome = PublishReply::Outcome::failed;
    client.lose();
    process->run();
    EXPECT_EQ(wills(), 0U);
    service.outcome = PublishReply::Outcome::accepted;
    for (int starts = 0; starts < 2; ++starts) {
      begin();
      process->run();
      EXPECT_EQ(wills(), 1U) << clean_session;
    }
    service.published.clear();
    begin_anew();
  }
}

// The connection is lost, and the process dies at each write from then on.
TEST_F(WillCrashTest, AtEachWriteItIsPublished) {
  for (const std::string kind : {"clean", "stored", "ends"}) {
    int deaths = 0;
    while (deaths < 100) {
      Client& client = kind == "ends" ? resume_to_end() : connect(kind == "clean");
      vfs.die_after(deaths + 1);
      client.lose();
      process->run();
      const bool has_died = vfs.is_dead();
      begin();
      process->run();
      // The store may not know yet that the connection was lost.
      pass(keep_alive);
      EXPECT_GE(wills(), 1U) << kind << ' ' << deaths;
      EXPECT_LE(wills(), 2U) << kind << ' ' << deaths;
      service.published.clear();
      begin_anew();
      if (!has_died) break;
      ++deaths;
    }
    EXPECT_GT(deaths, 3) << kind;
  }
}

}  // namespace
}  // namespace pubsub_mqtt
