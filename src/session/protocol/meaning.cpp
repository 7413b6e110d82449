#include "protocol/meaning.h"

namespace pubsub_mqtt::session {

MeantTopic meaning_of_topic(std::string_view named, const topic::Mountpoint* mountpoint,
                            const SessionKey& key) {
  if (mountpoint == nullptr || !mountpoint->takes(named)) return {.text = std::string(named)};
  std::string text = mountpoint->before(key.account, key.client_identifier);
  const std::size_t mounted_at = text.size();
  text += named;
  return {.text = std::move(text), .mounted_at = mounted_at};
}

TopicFilter meaning_of_filter(std::string_view named, const topic::Mountpoint* mountpoint,
                              const SessionKey& key) {
  if (mountpoint == nullptr) return std::string(named);
  const auto split = topic::split_group(named);
  if (!split || !mountpoint->takes(split->filter)) return std::string(named);
  std::string text(named.substr(0, named.size() - split->filter.size()));  // $share/GROUP/
  text += mountpoint->before(key.account, key.client_identifier);
  const std::size_t mounted_at = text.size();
  text += split->filter;
  return {std::move(text), mounted_at};
}

}  // namespace pubsub_mqtt::session
