#include "mqtt_client.h"

#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "broken_connections.h"
#include "patience.h"

namespace pubsub_mqtt::tests {
namespace {

void require(int result, const char* what) {
  if (result != MOSQ_ERR_SUCCESS)
    throw std::runtime_error(std::string(what) + ": " + mosquitto_strerror(result));
}

int initialize() {
  survive_broken_connections();
  return mosquitto_lib_init();
}

void initialize_mosquitto() { [[maybe_unused]] static const int done = initialize(); }

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

MqttClient::MqttClient(const Options& options) : client_(nullptr, mosquitto_destroy) {
  initialize_mosquitto();
  client_.reset(mosquitto_new(or_null(options.client_identifier), options.clean_session, this));
  mosquitto_int_option(client_.get(), MOSQ_OPT_PROTOCOL_VERSION, options.protocol);
  if (!options.user_name.empty()) {
    mosquitto_username_pw_set(client_.get(), options.user_name.c_str(), or_null(options.password));
  }
  if (!options.ca_file.empty()) {
    require(mosquitto_tls_set(client_.get(), options.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr),
            "TLS");
  }
  if (options.will) {
    require(mosquitto_will_set(client_.get(), options.will->topic.c_str(),
                               static_cast<int>(options.will->payload.size()), options.will->payload.data(),
                               options.will->qos, options.will->retain),
            "will");
  }
  set_callbacks();
  constexpr int keep_alive = 60;
  require(mosquitto_connect(client_.get(), options.host.c_str(), options.port, keep_alive), "connect");
  run_until([this] { return connect_code_.has_value(); }, "CONNACK");
}

void MqttClient::set_callbacks() {
  mosquitto_connect_callback_set(client_.get(), [](mosquitto*, void* self, int code) {
    auto* client = static_cast<MqttClient*>(self);
    client->connect_code_ = code;
    client->connected_ = code == 0;
  });
  mosquitto_disconnect_callback_set(
      client_.get(), [](mosquitto*, void* self, int) { static_cast<MqttClient*>(self)->connected_ = false; });
  mosquitto_subscribe_callback_set(
      client_.get(), [](mosquitto*, void* self, int, int count, const int* granted) {
        static_cast<MqttClient*>(self)->granted_.assign(granted, granted + count);
      });
  mosquitto_unsubscribe_callback_set(client_.get(), [](mosquitto*, void* self, int) {
    static_cast<MqttClient*>(self)->unsubscribed_ = true;
  });
  mosquitto_message_callback_set(client_.get(), [](mosquitto*, void* self, const mosquitto_message* message) {
    static_cast<MqttClient*>(self)->messages_.push_back(
        {message->topic,
         std::string(static_cast<const char*>(message->payload),
                     static_cast<std::size_t>(message->payloadlen)),
         message->qos, message->retain});
  });
}

template <typename Condition>
void MqttClient::run_until(Condition condition, const char* what) {
  const auto until = deadline();
  while (!condition()) {
    if (Clock::now() >= until) throw TimedOut(std::string("waiting for ") + what);
    const int result = mosquitto_loop(client_.get(), std::min(milliseconds_until(until), 100), 1);
    if (result != MOSQ_ERR_SUCCESS && !condition()) {
      throw std::runtime_error(std::string("waiting for ") + what + ": " + mosquitto_strerror(result));
    }
  }
}

int MqttClient::subscribe(const std::string& topic_filter, int qos) {
  granted_.clear();
  require(mosquitto_subscribe(client_.get(), nullptr, topic_filter.c_str(), qos), "subscribe");
  run_until([this] { return !granted_.empty(); }, "SUBACK");
  return granted_.front();
}

void MqttClient::unsubscribe(const std::string& topic_filter) {
  unsubscribed_ = false;
  require(mosquitto_unsubscribe(client_.get(), nullptr, topic_filter.c_str()), "unsubscribe");
  run_until([this] { return unsubscribed_; }, "UNSUBACK");
}

void MqttClient::publish(const std::string& topic, std::string_view payload, int qos, bool retain) {
  const int result = mosquitto_publish(client_.get(), nullptr, topic.c_str(),
                                       static_cast<int>(payload.size()), payload.data(), qos, retain);
  require(result, "publish");
  run_until([this] { return !mosquitto_want_write(client_.get()); }, "the socket to take a PUBLISH");
}

Message MqttClient::next_message() {
  run_until([this] { return !messages_.empty(); }, "a message");
  Message message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

std::deque<Message> MqttClient::messages_so_far() {
  unsubscribe("messages/so/far");  // its answer comes after what was sent before
  return std::exchange(messages_, {});
}

void MqttClient::wait_for_close() {
  run_until([this] { return !connected_; }, "the server to close the connection");
}

void MqttClient::vanish() { shutdown(mosquitto_socket(client_.get()), SHUT_RDWR); }

void MqttClient::disconnect() {
  require(mosquitto_disconnect(client_.get()), "disconnect");
  run_until([this] { return !connected_; }, "the connection to close");
}

}  // namespace pubsub_mqtt::tests
