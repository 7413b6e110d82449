// A test with a Prosody that serves MQTT on pubsub.localhost.
#pragma once

#include <gtest/gtest.h>

#include "prosody.h"

namespace pubsub_mqtt::tests {

// Where most tests publish.
inline constexpr const char* topic = "pubsub.localhost/utf8/node";
inline constexpr const char* will_topic = "pubsub.localhost/utf8/will";

class RunningProsody : public testing::Test {
 protected:
  void SetUp() override { prosody.start(); }

  Prosody prosody;
};

}  // namespace pubsub_mqtt::tests
