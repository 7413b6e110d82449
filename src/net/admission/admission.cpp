#include "admission/admission.h"

#include <string>

namespace pubsub_mqtt::net {
namespace {

std::string refused_because_of(const char* setting) {
  return std::string("MQTT connections were refused because of ") + setting;
}

std::string refusal(const std::string& why, const char* setting, std::size_t limit) {
  return "MQTT connections are refused: " + why + ' ' + setting + " (" + std::to_string(limit) + ')';
}

}  // namespace

Admission::Place::Place(Admission& admission, const RemoteAddress& holder)
    : admission_(&admission), holder_(holder.is_loopback() ? AddressPrefix() : holder.prefix()) {
  if (holder_ != AddressPrefix()) ++admission.by_address_[holder_];
  ++admission.connections_;
}

Admission::Place::Place(Admission& admission) : admission_(&admission) { ++admission.connections_; }

Admission::Place& Admission::Place::operator=(Place&& other) noexcept {
  std::swap(admission_, other.admission_);
  std::swap(holder_, other.holder_);
  return *this;
}

void Admission::Place::give_up() noexcept {
  Admission* const admission = std::exchange(admission_, nullptr);
  if (admission == nullptr) return;
  --admission->connections_;
  if (holder_ == AddressPrefix()) return;
  const auto found = admission->by_address_.find(holder_);
  if (--found->second == 0) admission->by_address_.erase(found);
}

Admission::Admission(const Limits& limits, std::vector<LogLine>& log)
    : limits_(limits),
      rates_(limits.max_connection_rate),
      too_many_(limits.warning_interval, refused_because_of("mqtt_max_connections"), log),
      too_many_of_address_(limits.warning_interval, refused_because_of("mqtt_max_connections_per_address"),
                           log),
      too_fast_(limits.warning_interval, refused_because_of("mqtt_max_connection_rate"), log) {}

std::optional<Admission::Place> Admission::admit(const RemoteAddress& from, Time now) {
  if (!is_free(from, now) || !is_free(now)) return std::nullopt;
  ++arrivals_.admitted;
  return std::optional<Place>(std::in_place, *this, from);
}

std::optional<Admission::Place> Admission::admit_proxy(Time now) {
  if (!is_free(now)) return std::nullopt;
  ++arrivals_.admitted;
  return std::optional<Place>(std::in_place, *this);
}

std::optional<Admission::Place> Admission::admit_client(const RemoteAddress& from, Time now) {
  if (!is_free(from, now)) return std::nullopt;
  return std::optional<Place>(std::in_place, *this, from);
}

bool Admission::is_free(Time now) {
  if (connections_ < limits_.max_connections) return true;
  ++arrivals_.too_many;
  too_many_.happens(
      now, [&] { return refusal("there are as many as", "mqtt_max_connections", limits_.max_connections); });
  return false;
}

// An attempt that is refused for its number, not its rate, counts for the rate all the same.
bool Admission::is_free(const RemoteAddress& from, Time now) {
  if (from.is_loopback()) return true;
  const AddressPrefix prefix = from.prefix();
  rates_.set_rate(limits_.max_connection_rate);
  if (!rates_.take(prefix, now)) {
    ++arrivals_.too_fast;
    too_fast_.happens(now, [&] {
      return refusal(from.text() + " makes more in a second than", "mqtt_max_connection_rate",
                     limits_.max_connection_rate);
    });
    return false;
  }
  const auto found = by_address_.find(prefix);
  if (found == by_address_.end() || found->second < limits_.max_connections_per_address) return true;
  ++arrivals_.too_many_of_address;
  too_many_of_address_.happens(now, [&] {
    return refusal(from.text() + " has as many as", "mqtt_max_connections_per_address",
                   limits_.max_connections_per_address);
  });
  return false;
}

void Admission::expire(Time now) {
  rates_.expire(now);
  for (auto* warning : {&too_many_, &too_many_of_address_, &too_fast_}) warning->expire(now);
}

}  // namespace pubsub_mqtt::net
