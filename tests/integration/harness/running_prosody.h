// A test with a Prosody that serves MQTT on pubsub.localhost.
#pragma once

#include <gtest/gtest.h>

#include "prosody.h"

namespace pubsub_mqtt::tests {

class RunningProsody : public testing::Test {
 protected:
  void SetUp() override { prosody.start(); }

  Prosody prosody;
};

}  // namespace pubsub_mqtt::tests
