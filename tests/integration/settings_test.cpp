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

TEST(Settings, ATimeHasAUnitInProsody13AndIsReportedInProsody012) {
  Prosody prosody;
  prosody.start({.global = "mqtt_session_expiry = \"1 second\""});
  RawMqtt client = with_session(prosody.mqtt_port(), "leaves");
  disconnect(client);
  const bool prosody_0_12 = prosody.shell(">prosody.version").find("0.12.") != std::string::npos;
  prosody.log().wait_for(prosody_0_12 ? "mqtt_session_expiry = 1 second is not between"
                                      : "leaves.*mqtt_session_expiry");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
