// libmosquitto, as a program that uses it would: an MQTT client that somebody else wrote. It works while one
// of its functions is called, and throws TimedOut where an answer does not come.
#pragma once

#include <mosquitto.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pubsub_mqtt::tests {

struct Message {
  std::string topic;
  std::string payload;
  int qos = 0;
  bool retain = false;

  bool operator==(const Message&) const = default;
};

class MqttClient {
 public:
  struct Options {
    std::uint16_t port = 0;
    std::string host = "127.0.0.1";
    std::string client_identifier = {};  // empty: chosen by libmosquitto
    int protocol = MQTT_PROTOCOL_V311;
    std::string ca_file = {};  // empty: plain TCP
    std::string user_name = {};
    std::string password = {};
    bool clean_session = true;
    std::optional<Message> will = {};
  };

  // Connects; connect_code() has what CONNACK said.
  explicit MqttClient(const Options& options);
  explicit MqttClient(std::uint16_t port) : MqttClient(Options{.port = port}) {}
  MqttClient(const MqttClient&) = delete;
  MqttClient& operator=(const MqttClient&) = delete;

  int connect_code() const { return connect_code_.value(); }
  bool connected() const { return connected_; }

  // The return code of SUBACK: the granted QoS, or 0x80.
  int subscribe(const std::string& topic_filter, int qos = 0);
  void unsubscribe(const std::string& topic_filter);
  void publish(const std::string& topic, std::string_view payload, int qos = 0, bool retain = false);

  Message next_message();
  // What came and was not taken by next_message(), after everything that the server had for this client until
  // now.
  std::deque<Message> messages_so_far();

  void wait_for_close();
  void disconnect();
  // Ends without a word, as a device does that loses its power.
  void vanish();

 private:
  template <typename Condition>
  void run_until(Condition condition, const char* what);
  void set_callbacks();

  std::unique_ptr<mosquitto, decltype(&mosquitto_destroy)> client_;
  std::optional<int> connect_code_;
  bool connected_ = false;
  std::vector<int> granted_;
  bool unsubscribed_ = false;
  std::deque<Message> messages_;
};

}  // namespace pubsub_mqtt::tests
