// The same commands, as typed in a terminal, against the gateway and against mosquitto: what they show is the same.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "mosquitto_command.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {

using Lines = std::vector<std::string>;
using Arguments = std::vector<std::string>;

// How mosquitto_sub shows a message: topic, QoS, RETAIN, payload.
inline constexpr const char* plain_format = "message %t %q %r %p";

inline Arguments with(Arguments arguments, const Arguments& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// The user's terminals: one broker, and commands with its port filled in.
class Terminal {
 public:
  explicit Terminal(std::uint16_t port, const char* format = plain_format)
      : port_(std::to_string(port)), format_(format) {}

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
    return with({"stdbuf", "-oL", "mosquitto_sub", "-d", "-p", port_, "-F", format_}, arguments);
  }

  const Lines& shown() const { return shown_; }

 private:
  std::string port_;
  std::string format_;
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
  Lines compare(Scenario scenario, const char* format = plain_format) {
    Terminal with_mosquitto(mosquitto_port.number(), format);
    Terminal with_gateway(prosody.mqtt_port(), format);
    auto other = std::async(std::launch::async, [&] { scenario(with_mosquitto); });
    scenario(with_gateway);
    other.get();
    EXPECT_EQ(with_gateway.shown(), with_mosquitto.shown());
    return with_gateway.shown();
  }

  FreePort mosquitto_port;
  MosquittoCommand mosquitto{{"mosquitto", "-p", std::to_string(mosquitto_port.number())}};
};

inline std::string message(const std::string& on, int qos, int retain, const std::string& payload) {
  return "message " + on + ' ' + std::to_string(qos) + ' ' + std::to_string(retain) + ' ' + payload;
}

}  // namespace pubsub_mqtt::tests
