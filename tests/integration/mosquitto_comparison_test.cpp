// The same commands against the gateway and against mosquitto: what they show on the terminal is the same.
#include "mosquitto_comparison.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>

namespace pubsub_mqtt::tests {
namespace {

TEST_F(MosquittoComparison, EachQosOfAPublisherAndOfASubscriber) {
  const Lines shown = compare([](Terminal& terminal) {
    for (const char* granted : {"0", "1", "2"}) {
      const auto subscriber = terminal.subscribe({"-t", topic, "-q", granted, "-C", "3"});
      for (const char* published : {"0", "1", "2"}) {
        terminal.publish({"-t", topic, "-q", published, "-m", published});
      }
      terminal.show(*subscriber);
    }
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 2, 0, "2")), 1);
}

TEST_F(MosquittoComparison, ManyMessagesAtEachQos) {
  const Lines shown = compare([](Terminal& terminal) {
    for (const char* qos : {"0", "1", "2"}) {
      const auto subscriber = terminal.subscribe({"-t", topic, "-q", qos, "-C", "100"});
      terminal.publish({"-t", topic, "-q", qos, "-m", "again", "--repeat", "100"});
      terminal.show(*subscriber);
    }
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 2, 0, "again")), 100);
}

TEST_F(MosquittoComparison, ARetainedMessageIsSetReplacedAndCleared) {
  const Lines shown = compare([](Terminal& terminal) {
    const auto live = terminal.subscribe({"-t", topic, "-q", "1", "-C", "3"});
    for (const char* payload : {"first", "second"}) {
      terminal.publish({"-t", topic, "-q", "1", "-r", "-m", payload});
      terminal.run_subscribe({"-t", topic, "-q", "2", "-C", "1"});
    }
    terminal.publish({"-t", topic, "-q", "1", "-r", "-n"});
    terminal.show(*live);
    const auto late = terminal.subscribe({"-t", topic, "-C", "1"});
    terminal.publish({"-t", topic, "-m", "live"});
    terminal.show(*late);
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 1, 1, "second")), 1);
}

TEST_F(MosquittoComparison, RetainedOnlyByWildcard) {
  compare([](Terminal& terminal) {
    for (const char* node : {"a", "b", "c"}) {
      terminal.publish({"-t", std::string("pubsub.localhost/utf8/") + node, "-q", "1", "-r", "-m", node});
      terminal.run_subscribe(
          {"-t", "pubsub.localhost/utf8/+", "-t", "nobody/utf8/#", "-C", "1", "-T", "x/y"});
    }
  });
}

TEST_F(MosquittoComparison, ASessionCollectsWhileItsClientIsAway) {
  const Lines shown = compare([](Terminal& terminal) {
    const Arguments device{"-c", "-i", "device", "-q", "2", "-t", topic};
    terminal.run_subscribe(with(device, {"-E"}));
    for (const char* qos : {"0", "1", "2"}) terminal.publish({"-t", topic, "-q", qos, "-m", qos});
    terminal.run_subscribe(with(device, {"-C", "2"}));
    // A clean session ends it.
    terminal.run_subscribe({"-i", "device", "-t", topic, "-E"});
    terminal.publish({"-t", topic, "-q", "1", "-m", "lost"});
    const auto again = terminal.subscribe(with(device, {"-C", "1"}));
    terminal.publish({"-t", topic, "-q", "1", "-m", "next"});
    terminal.show(*again);
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 2, 0, "2")), 1);
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 1, 0, "next")), 1);
}

TEST_F(MosquittoComparison, AWillIsPublishedForAClientThatWasKilled) {
  const Lines shown = compare([](Terminal& terminal) {
    for (const char* qos : {"0", "1", "2"}) {
      const auto witness = terminal.subscribe({"-t", will_topic, "-q", "2", "-C", "1"});
      auto mortal = terminal.subscribe(
          {"-t", topic, "--will-topic", will_topic, "--will-payload", "gone", "--will-qos", qos});
      mortal.reset();  // SIGKILL
      terminal.show(*witness);
    }
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(will_topic, 2, 0, "gone")), 1);
}

TEST_F(MosquittoComparison, ARetainedWillStays) {
  const Lines shown = compare([](Terminal& terminal) {
    const auto witness = terminal.subscribe({"-t", will_topic, "-q", "1", "-C", "1"});
    auto mortal = terminal.subscribe({"-t", topic, "--will-topic", will_topic, "--will-payload", "gone",
                                      "--will-qos", "1", "--will-retain"});
    mortal.reset();  // SIGKILL
    terminal.show(*witness);
    terminal.run_subscribe({"-t", will_topic, "-q", "1", "-C", "1"});
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(will_topic, 1, 1, "gone")), 1);
}

TEST_F(MosquittoComparison, AClientThatSaysGoodbyeHasNoWill) {
  compare([](Terminal& terminal) {
    const auto witness = terminal.subscribe({"-t", will_topic, "-C", "1"});
    terminal.run_subscribe({"-t", topic, "--will-topic", will_topic, "--will-payload", "gone", "-E"});
    terminal.publish({"-t", will_topic, "-m", "alive"});
    terminal.show(*witness);
  });
}

// mosquitto_sub takes no interval below five seconds.
TEST_F(MosquittoComparison, AClientThatFallsSilentIsCutOff) {
  compare([](Terminal& terminal) {
    const auto witness = terminal.subscribe({"-t", will_topic, "-C", "1"});
    const Arguments command = terminal.subscribe_command(
        {"-t", topic, "-k", "5", "--will-topic", will_topic, "--will-payload", "silent", "-i", "mortal"});
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    FileDescriptor writing(ends[1], "pipe2");
    LineLog output(FileDescriptor(ends[0], "pipe2"));
    const ChildProcess mortal({.arguments = command, .output = writing.get()});
    writing.reset();
    output.wait_for("^Subscribed");
    mortal.send_signal(SIGSTOP);
    terminal.show(*witness);
  });
}

TEST_F(MosquittoComparison, AShortKeepAliveIntervalKeepsALivelyClient) {
  compare([](Terminal& terminal) {
    const auto client = terminal.subscribe({"-t", topic, "-k", "5", "-C", "1"});
    client->output().wait_for("sending PINGREQ");
    client->output().wait_for("received PINGRESP");
    terminal.publish({"-t", topic, "-m", "still there"});
    terminal.show(*client);
  });
}

TEST_F(MosquittoComparison, ClientsOfMqtt31) {
  const Lines shown = compare([](Terminal& terminal) {
    const Arguments old{"-V", "mqttv31"};
    const Arguments device = with(old, {"-c", "-i", "old device", "-q", "2", "-t", topic});
    terminal.run_subscribe(with(device, {"-E"}));
    for (const char* qos : {"1", "2"}) {
      terminal.publish(with(old, {"-t", topic, "-q", qos, "-r", "-m", qos}));
    }
    terminal.run_subscribe(with(device, {"-C", "2"}));
    const auto witness = terminal.subscribe(with(old, {"-t", will_topic, "-q", "1", "-C", "1"}));
    auto mortal = terminal.subscribe(
        with(old, {"-t", topic, "--will-topic", will_topic, "--will-payload", "gone", "--will-qos", "1"}));
    mortal.reset();  // SIGKILL
    terminal.show(*witness);
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(will_topic, 1, 0, "gone")), 1);
}

TEST_F(MosquittoComparison, WildcardsAndUnsubscribe) {
  compare([](Terminal& terminal) {
    const auto client =
        terminal.subscribe({"-t", "pubsub.localhost/utf8/house/#", "-t", "pubsub.localhost/+/garden", "-U",
                            "pubsub.localhost/utf8/attic", "-q", "1", "-C", "3"});
    for (const char* node : {"house", "attic", "house/kitchen", "house/kitchen/oven", "garden"}) {
      terminal.publish({"-t", std::string("pubsub.localhost/utf8/") + node, "-q", "1", "-m", node});
    }
    terminal.show(*client);
  });
}

// Where they differ on purpose: mosquitto 2.0 delivers at the QoS of one of the filters.
TEST_F(MosquittoComparison, OverlappingSubscriptionsDeliverAtTheHighestQos) {
  Terminal terminal(prosody.mqtt_port());
  for (const Arguments& filters : {Arguments{"-t", topic, "-t", "pubsub.localhost/utf8/#"},
                                   Arguments{"-t", "pubsub.localhost/utf8/#", "-t", topic}}) {
    const auto client = terminal.subscribe(with(filters, {"-q", "2", "-C", "1"}));
    terminal.publish({"-t", topic, "-q", "2", "-m", "x"});
    terminal.show(*client);
    EXPECT_EQ(terminal.shown().at(terminal.shown().size() - 2), message(topic, 2, 0, "x"));
  }
}

}  // namespace
}  // namespace pubsub_mqtt::tests
