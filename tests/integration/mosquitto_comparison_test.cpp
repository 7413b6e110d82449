// The same commands against the gateway and against mosquitto: what they show on the terminal is the same.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <future>
#include <memory>

#include "mosquitto_command.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using Lines = std::vector<std::string>;
using Arguments = std::vector<std::string>;

// How mosquitto_sub shows a message: topic, QoS, RETAIN, payload.
constexpr const char* format = "message %t %q %r %p";

Arguments with(Arguments arguments, const Arguments& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// The user's terminals: one broker, and commands with its port filled in.
class Terminal {
 public:
  explicit Terminal(std::uint16_t port) : port_(std::to_string(port)) {}

  // Runs to its end; the exit status is a line of the result.
  void publish(const Arguments& arguments) {
    MosquittoCommand command(with({"mosquitto_pub", "-p", port_}, arguments));
    shown_.push_back("mosquitto_pub " + std::to_string(command.wait()));
  }

  // Returns when the subscriptions are granted.
  std::unique_ptr<MosquittoCommand> subscribe(const Arguments& arguments) const {
    auto command = std::make_unique<MosquittoCommand>(subscribe_command(arguments));
    command->output().wait_for("^Subscribed");
    return command;
  }

  // A subscriber that goes by itself (-C, -E).
  void run_subscribe(const Arguments& arguments) {
    MosquittoCommand command(subscribe_command(arguments));
    show(command);
  }

  // Waits for the end of a subscriber and takes what it has shown.
  void show(MosquittoCommand& command) {
    const int status = command.wait();
    command.output().wait_for_end();
    for (const auto& line : command.output().lines()) {
      if (line.starts_with("message ")) shown_.push_back(line);
    }
    shown_.push_back("mosquitto_sub " + std::to_string(status));
  }

  Arguments subscribe_command(const Arguments& arguments) const {
    return with({"stdbuf", "-oL", "mosquitto_sub", "-d", "-p", port_, "-F", format}, arguments);
  }

  const Lines& shown() const { return shown_; }

 private:
  std::string port_;
  Lines shown_;
};

class MosquittoComparison : public RunningProsody {
 protected:
  void SetUp() override {
    RunningProsody::SetUp();
    mosquitto.output().wait_for("mosquitto version .* running");
  }

  // Compares, and returns what both have shown.
  template <typename Scenario>
  Lines compare(Scenario scenario) {
    Terminal with_mosquitto(mosquitto_port.number());
    Terminal with_gateway(prosody.mqtt_port());
    auto other = std::async(std::launch::async, [&] { scenario(with_mosquitto); });
    scenario(with_gateway);
    other.get();
    EXPECT_EQ(with_gateway.shown(), with_mosquitto.shown());
    return with_gateway.shown();
  }

  FreePort mosquitto_port;
  MosquittoCommand mosquitto{{"mosquitto", "-p", std::to_string(mosquitto_port.number())}};
};

std::string message(const std::string& on, int qos, int retain, const std::string& payload) {
  return "message " + on + ' ' + std::to_string(qos) + ' ' + std::to_string(retain) + ' ' + payload;
}

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
