#include "pubsub_mqtt/base/once_per_client.h"

namespace pubsub_mqtt {
namespace {

std::string_view without_port(std::string_view address) { return address.substr(0, address.rfind(':')); }

// A line feed stands in no name that is printable.
std::string key_of(std::string_view client, std::string_view cause) {
  const std::string_view address = client.substr(0, client.find(' '));
  const std::string_view identifier_and_account = client.substr(address.size());
  std::string key(identifier_and_account);
  if (identifier_and_account.starts_with(" \"\"")) key += without_port(address);
  key += '\n';
  key += cause;
  return key;
}

}  // namespace

bool OncePerClient::is_first(std::string_view client, std::string_view cause) {
  const auto [place, is_first] = causes_.insert(key_of(client, cause));
  if (!is_first) return false;
  by_age_.push_back(place);
  if (by_age_.size() > max_causes_) {
    causes_.erase(by_age_.front());
    by_age_.pop_front();
  }
  return true;
}

}  // namespace pubsub_mqtt
