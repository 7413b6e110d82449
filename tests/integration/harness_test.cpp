// The harness itself, on a Prosody without the module and without MQTT: what the other tests rely on.
#include <gtest/gtest.h>

#include <future>

#include "prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

const Configuration plain_pubsub{.component = "autocreate_on_publish = true"};

TEST(Harness, StartsAndStopsProsodyInTheForeground) {
  Prosody prosody;
  prosody.start(plain_pubsub);
  EXPECT_EQ(prosody.stop().status, 0);
}

TEST(Harness, StartsAndStopsProsodyAsADaemon) {
  Prosody prosody;
  prosody.start(plain_pubsub, Prosody::Mode::daemon);
  EXPECT_EQ(prosody.stop().status, 0);
}

TEST(Harness, StopsProsodyWhoseLoopSawTheSignalTooLate) {
  Prosody prosody;
  prosody.start(plain_pubsub);
  // From the next long wait on, the loop waits for events only when it has seen the signal. Prosody 13 takes
  // signals for events, and sees this one right afterwards.
  const auto answer = std::async(std::launch::async, [&] {
    prosody.shell(
        ">local poll = getmetatable(require 'util.poll'.new()).__index; local wait = poll.wait; "
        "function poll.wait(self, seconds) "
        "if seconds > 60 and not prosody.shutdown_reason then "
        "prosody.log('info', 'between signals and events'); local until_when = os.time() + 3; "
        "repeat until prosody.shutdown_reason or os.time() > until_when; end "
        "return wait(self, seconds) end");
  });
  prosody.log().wait_for("between signals and events");
  EXPECT_EQ(prosody.stop().status, 0);
}

TEST(Harness, SeesANewConfigurationAfterAReload) {
  Prosody prosody;
  prosody.start(plain_pubsub);
  prosody.reload({.global = "some_setting = \"new\"", .component = plain_pubsub.component});
  EXPECT_NE(prosody.shell("config:get(\"some_setting\")").find("new"), std::string::npos);
}

TEST(Harness, CarriesAnItemFromOneXmppClientToAnother) {
  Prosody prosody;
  prosody.start(plain_pubsub);
  XmppClient romeo("romeo@localhost", account_password, prosody.c2s_port());
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("balcony", {{"access_model", "open"}});
  romeo.subscribe("balcony");
  admin.publish("balcony", "1", "<json xmlns='urn:xmpp:json:0'>{&quot;t&quot;:21.5}</json>");

  const PubsubEvent event = romeo.next_event();
  EXPECT_EQ(event.kind, "item");
  EXPECT_EQ(event.node, "balcony");
  EXPECT_EQ(event.item_id, "1");
  EXPECT_NE(event.payload.find("urn:xmpp:json:0"), std::string::npos) << event.payload;
  ASSERT_EQ(admin.items("balcony").size(), 1U);
  EXPECT_THROW(romeo.publish("balcony", "2", "<a xmlns='b'/>"), StanzaError);

  admin.retract("balcony", "1");
  EXPECT_EQ(romeo.next_event().kind, "retract");
  admin.remove("balcony");
  EXPECT_EQ(romeo.next_event().kind, "delete");
  admin.ping("localhost");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
