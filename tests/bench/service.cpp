#include "service.h"

#include "monotonic_time.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::uint64_t interval = 10'000'000;  // nanoseconds from one newcomer to the next
constexpr std::uint8_t pingresp = 0xD0;

}  // namespace

class Service::Newcomer final : public MqttClient {
 public:
  Newcomer(EventLoop& loop, std::uint16_t port) : MqttClient(loop, port, {.client_identifier = ""}) {}

  void ping_when_connected() {
    if (!connected() || has_pinged_) return;
    has_pinged_ = true;
    mqtt::write(mqtt::Pingreq{}, unsent());
    flush();
  }
  // When PINGRESP came; 0: not yet.
  std::uint64_t answered_at() const { return answered_at_; }

 private:
  void receive(std::uint8_t first_byte, std::string_view) override {
    if (first_byte == pingresp) answered_at_ = received_at();
  }

  bool has_pinged_ = false;
  std::uint64_t answered_at_ = 0;
};

Service::Service(EventLoop& loop, std::uint16_t mqtt_port, std::uint16_t c2s_port)
    : loop_(loop), mqtt_port_(mqtt_port), pings_(loop, c2s_port) {}

Service::~Service() = default;

void Service::look() {
  pings_.send_when_due();
  const std::uint64_t now = monotonic_time();
  if (newcomer_) {
    newcomer_->ping_when_connected();
    if (newcomer_->answered_at() == 0) return;
    newcomers_.add(newcomer_->answered_at() - came_at_);
    newcomer_.reset();
  }
  if (now < came_at_ + interval) return;
  came_at_ = now;
  newcomer_ = std::make_unique<Newcomer>(loop_, mqtt_port_);
}

bool Service::all_answered() const {
  return pings_.all_answered() && (!newcomer_ || newcomer_->answered_at() != 0);
}

}  // namespace pubsub_mqtt::bench
