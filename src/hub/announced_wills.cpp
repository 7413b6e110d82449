#include "announced_wills.h"

#include <string>
#include <utility>
#include <variant>

#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/payload/xml_text.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::hub {
namespace {

constexpr std::size_t max_announced = 1000;

}  // namespace

void AnnouncedWills::add(AnnounceWill&& will) {
  if (waiting_.size() < max_announced) waiting_.push_back(std::move(will));
}

bool AnnouncedWills::step() {
  if (waiting_.empty()) return false;
  const AnnounceWill will = std::move(waiting_.front());
  waiting_.pop_front();
  const Client* client = clients_.find(will.session);
  if (client == nullptr || is_about_the_broker(will.will.topic)) return true;
  const std::string_view reason = fault(will);
  if (!reason.empty() && shared_.logged.is_first(client->name, "will: " + std::string(reason))) {
    shared_.service.log(LogLevel::warn, client->name + ": its will can never be published to " +
                                            printable_topic(will.will.topic, will.mounted_at) + ": " +
                                            std::string(reason));
  }
  return true;
}

// Why it can never be published; empty where it may be.
std::string_view AnnouncedWills::fault(const AnnounceWill& announced) const {
  const Publication& will = announced.will;
  const std::string_view meant = will.topic;
  const auto named = meant.substr(announced.mounted_at);
  if (topic::count_levels(named) > shared_.limits.max_topic_levels) return topic::too_many_levels;
  const auto parsed = topic::parse_topic(will.topic);
  if (const auto* none = std::get_if<topic::NoNodeTopic>(&parsed)) return none->reason;
  const auto& topic = std::get<topic::NodeTopic>(parsed);
  if (shared_.service.host_status(topic.host) == PubsubService::HostStatus::unknown)
    return "no pubsub component of that name is configured";
  if (!shared_.names.are_short_enough(topic.host, topic.node)) return NodeNames::too_long;
  if (will.envelope.retain && will.payload.empty()) return {};
  if (topic.type != topic::Type::xml) {
    const auto bad = payload::check_text(topic.type, will.payload);
    return bad ? bad->reason : std::string_view();
  }
  const auto element = payload::parse_element(will.payload, shared_.limits.max_xml_elements);
  const auto* bad = std::get_if<payload::Refused>(&element);
  return bad == nullptr ? std::string_view() : bad->reason;
}

}  // namespace pubsub_mqtt::hub
