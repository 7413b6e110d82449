// Settings that are not what they should be, and those that Prosody 13 reads differently.
#include <gtest/gtest.h>

#include "prosody.h"
#include "raw_session.h"

namespace pubsub_mqtt::tests {
namespace {

TEST(Settings, ALimitThatIsOutOfRangeIsReportedAndTheDefaultIsUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_inflight = 0"});
  const std::string line = prosody.log().wait_for("mqtt_max_inflight = 0 is not between 1 and 65535");
  EXPECT_NE(line.find("error"), std::string::npos) << line;
  connected(prosody.mqtt_port(), "client").ping();
}

TEST(Settings, ALimitThatIsNoNumberIsReportedAndTheDefaultIsUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_inflight = \"many\""});
  const std::string line = prosody.log().wait_for("mqtt_max_inflight = many is not between 1 and 65535");
  EXPECT_NE(line.find("error"), std::string::npos) << line;
  connected(prosody.mqtt_port(), "client").ping();
}

TEST(Settings, ALimitOfLoginsThatIsNoNumberIsReportedAndTheDefaultIsUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_failed_logins = \"few\""});
  prosody.log().wait_for("error\tmqtt_max_failed_logins = few is not between 1 and ");
  connected(prosody.mqtt_port(), "client").ping();
}

TEST(Settings, AChoiceThatThereIsNotIsReportedAndTheDefaultIsUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_certificate_user = \"dns\""});
  prosody.log().wait_for(
      "error\tmqtt_certificate_user = dns is none of \"xmpp_address\", \"dns_name\", \"email\": "
      "using \"xmpp_address\"");
  connected(prosody.mqtt_port(), "client").ping();
}

TEST(Settings, AnAffiliationThatThereIsNotLetsNobodyPublish) {
  Prosody prosody;
  prosody.start({.global = "mqtt_anonymous_affiliation = \"none\""});
  prosody.log().wait_for(
      "error\tmqtt_anonymous_affiliation = none is none of \"publisher\", \"member\": using \"member\"");
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  prosody.log().wait_for("\"client\".*refused: mqtt_anonymous_affiliation");
}

TEST(Settings, NodeDefaultsThatAreNoTableAreReportedAndNoneAreUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_node_defaults = \"open\""});
  prosody.log().wait_for("error\tmqtt_node_defaults = open is no table");
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  publish(client, {.topic = "pubsub.localhost/json/node", .payload = "1", .qos = mqtt::QoS::at_least_once});
}

TEST(Settings, NodeDefaultsThatPubsubDoesNotAcceptAreNamedInTheLog) {
  Prosody prosody;
  prosody.start({.global = "mqtt_node_defaults = { max_items = 1000 }"});
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  prosody.log().wait_for("\"client\".*refused: .*mqtt_node_defaults.*max_items");
}

TEST(Settings, ARangeIsGivenInWholeNumbers) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_outbound_bytes = 0\nmqtt_max_queued_bytes = -1"});
  prosody.log().wait_for("mqtt_max_outbound_bytes = 0 is not between 1024 and 1073741824:");
  prosody.log().wait_for("mqtt_max_queued_bytes = -1 is not between 0 and 1099511627776:");
}

TEST(Settings, ATimeHasAUnitInProsody13AndIsReportedInProsody012) {
  Prosody prosody;
  prosody.start({.global = "mqtt_session_expiry = \"1 second\""});
  RawMqtt client = with_session(prosody.mqtt_port(), "leaves");
  disconnect(client);
  prosody.log().wait_for(prosody.is_0_12() ? "mqtt_session_expiry = 1 second is not between"
                                           : "leaves.*mqtt_session_expiry");
}

TEST(Settings, ASessionThatNeverExpiresIsProsody13s) {
  Prosody prosody;
  prosody.start({.global = "mqtt_session_expiry = \"never\"\nmqtt_connect_timeout = \"never\""});
  prosody.log().wait_for("error\tmqtt_connect_timeout = never is not between 1 and 3600");
  EXPECT_EQ(prosody.log().count("error\tmqtt_session_expiry = never is not between"),
            prosody.is_0_12() ? 1U : 0U);
  RawMqtt client = with_session(prosody.mqtt_port(), "leaves");
  disconnect(client);
  with_kept_session(prosody.mqtt_port(), "leaves").ping();
}

}  // namespace
}  // namespace pubsub_mqtt::tests
