// A publisher and a subscriber that count: whatever way each message takes, none is lost, doubled or overtaken.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>

#include "mqtt_client.h"
#include "prosody.h"
#include "raw_session.h"

namespace pubsub_mqtt::tests {

inline constexpr const char* counted_topic = "pubsub.localhost/json/node";

// The last message.
inline constexpr const char* end_of_count = "\"end\"";

// Publishes 1 to `last` at QoS 1, some at a time: where each waits for the disk, they share its time. Returns when all
// are acknowledged.
inline void publish_numbers(RawMqtt& publisher, int last) {
  constexpr mqtt::PacketIdentifier at_a_time = 50;
  for (int number = 0; number < last; number += at_a_time) {
    for (mqtt::PacketIdentifier id = 1; id <= at_a_time; ++id) {
      publisher.send(mqtt::Publish{.topic = counted_topic,
                                   .payload = std::to_string(number + id),
                                   .qos = mqtt::QoS::at_least_once,
                                   .packet_identifier = id});
    }
    for (mqtt::PacketIdentifier id = 1; id <= at_a_time; ++id) {
      EXPECT_EQ(publisher.read_packet<mqtt::Puback>().packet_identifier, id);
    }
  }
}

// Each of 1, 2, 3, ... comes once and in order.
class CountingSubscriber {
 public:
  CountingSubscriber(const Prosody& prosody, mqtt::QoS qos)
      : client_(connected(prosody.mqtt_port(), "subscriber")) {
    EXPECT_NE(client_.subscribe(counted_topic, qos), mqtt::Reason::unspecified_error);
    thread_ = std::thread([this] { run(); });
  }
  ~CountingSubscriber() { thread_.join(); }
  CountingSubscriber(const CountingSubscriber&) = delete;
  CountingSubscriber& operator=(const CountingSubscriber&) = delete;

  // Returns when that number has come, or when nothing will come any more.
  void wait_for(int number) const {
    for (int now = received_; now < number; now = received_) received_.wait(now);
  }

 private:
  void run() {
    try {
      while (true) {
        const Message message = next_message(client_);
        if (message.payload == end_of_count) return;
        if (message.payload != std::to_string(received_ + 1))
          throw std::runtime_error(message.payload + " came");
        ++received_;
        received_.notify_all();
      }
    } catch (const std::exception& error) {
      ADD_FAILURE() << "after " << received_ << ": " << error.what();
      received_ = std::numeric_limits<int>::max();
      received_.notify_all();
    }
  }

  RawMqtt client_;
  std::atomic<int> received_ = 0;
  std::thread thread_;
};

// Publishes 1, 2, 3, ... as fast as the gateway and the subscriber take them.
class CountingPublisher {
 public:
  CountingPublisher(const Prosody& prosody, mqtt::QoS qos, const CountingSubscriber& subscriber)
      : qos_(qos),
        subscriber_(subscriber),
        client_(connected(prosody.mqtt_port(), "publisher")),
        thread_([this] { run(); }) {}
  ~CountingPublisher() { stop(); }
  CountingPublisher(const CountingPublisher&) = delete;
  CountingPublisher& operator=(const CountingPublisher&) = delete;

  // What is sent after this call is a greater number.
  int last() const { return last_; }
  // That and all before it are.
  int acknowledged() const { return acknowledged_; }
  // Sends the end of the count, and no more: last() is what came before it.
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  static constexpr mqtt::PacketIdentifier window = 50;
  // The subscriber's queue takes more than that.
  static constexpr int lead = 500;

  void run() {
    try {
      while (!stopping_) {
        subscriber_.wait_for(last_ - lead);
        for (mqtt::PacketIdentifier id = 1; id <= window; ++id) publish(std::to_string(++last_), id);
        wait_for_acknowledgements();
        acknowledged_ = last_.load();
      }
      publish(end_of_count, window);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }

  void publish(const std::string& payload, mqtt::PacketIdentifier id) {
    client_.send(
        mqtt::Publish{.topic = counted_topic, .payload = payload, .qos = qos_, .packet_identifier = id});
  }

  // In the order in which the messages were sent.
  void wait_for_acknowledgements() {
    if (qos_ == mqtt::QoS::at_most_once) return;
    for (mqtt::PacketIdentifier id = 1; id <= window; ++id) {
      if (qos_ == mqtt::QoS::at_least_once) {
        EXPECT_EQ(client_.read_packet<mqtt::Puback>().packet_identifier, id);
      } else {
        EXPECT_EQ(client_.read_packet<mqtt::Pubrec>().packet_identifier, id);
      }
    }
    if (qos_ == mqtt::QoS::at_least_once) return;
    for (mqtt::PacketIdentifier id = 1; id <= window; ++id) client_.send(mqtt::Pubrel{id});
    for (mqtt::PacketIdentifier id = 1; id <= window; ++id) client_.read_packet<mqtt::Pubcomp>();
  }

  mqtt::QoS qos_;
  const CountingSubscriber& subscriber_;
  RawMqtt client_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> last_ = 0;
  std::atomic<int> acknowledged_ = 0;
  std::thread thread_;
};

}  // namespace pubsub_mqtt::tests
