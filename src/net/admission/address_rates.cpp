#include "admission/address_rates.h"

#include <chrono>
#include <utility>

namespace pubsub_mqtt::net {
namespace {

constexpr Time fill_time = std::chrono::seconds(10);

}  // namespace

AddressRates::AddressRates(std::size_t a_second) : rate_(a_second, fill_time) {}

void AddressRates::set_rate(std::size_t a_second) { rate_ = TokenRate(a_second, fill_time); }

bool AddressRates::take(const AddressPrefix& from, Time now) {
  expire(now);
  if (recent_.size() >= max_remembered / 2) turn_over(now);
  if (auto known = older_.extract(from)) recent_.insert(std::move(known));
  return recent_[from].take(rate_, now);
}

void AddressRates::expire(Time now) {
  if (now - turned_over_ >= fill_time) turn_over(now);
}

void AddressRates::turn_over(Time now) {
  older_ = std::exchange(recent_, {});
  turned_over_ = now;
}

}  // namespace pubsub_mqtt::net
