#include "topic_view.h"

#include <string>
#include <variant>

#include "node_names.h"
#include "pubsub_mqtt/mqtt/strings.h"
#include "pubsub_mqtt/topic/topic.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::hub {
namespace {

TopicView in_full(std::string_view named, std::string_view account, std::string_view client_identifier,
                  const Shared& shared) {
  const topic::Mountpoint* mountpoint = shared.mountpoint.get();
  if (mountpoint == nullptr || !mountpoint->takes(named)) return {.topic = std::string(named)};
  return {.topic = mountpoint->before(account, client_identifier).append(named), .is_mounted = true};
}

TopicView with_fault(TopicView view, std::string_view fault) {
  view.fault = fault;
  return view;
}

void set(TopicView& view, const topic::NodeTopic& topic) {
  view.host = topic.host;
  view.type = topic::name(topic.type);
  view.node = topic.node;
}

}  // namespace

TopicView meaning_of_topic(std::string_view named, std::string_view account,
                           std::string_view client_identifier, const Shared& shared) {
  if (!mqtt::is_utf8_string(named) || !mqtt::is_topic_name(named)) {
    return {.topic = std::string(named), .fault = "it is no topic name: it is empty, or + or # is in it"};
  }
  TopicView view = in_full(named, account, client_identifier, shared);
  if (topic::count_levels(named) > shared.limits.max_topic_levels)
    return with_fault(std::move(view), topic::too_many_levels);
  const auto parsed = topic::parse_topic(view.topic);
  if (const auto* none = std::get_if<topic::NoNodeTopic>(&parsed))
    return with_fault(std::move(view), none->reason);
  const auto& topic = std::get<topic::NodeTopic>(parsed);
  if (!shared.names.are_short_enough(topic.host, topic.node))
    return with_fault(std::move(view), NodeNames::too_long);
  set(view, topic);
  return view;
}

TopicView meaning_of_filter(std::string_view named, const Shared& shared) {
  if (!mqtt::is_utf8_string(named) || !mqtt::is_topic_filter(named)) {
    return {.topic = std::string(named),
            .fault = "it is no topic filter: + and # are levels by themselves, and # is the last one"};
  }
  TopicView view = in_full(named, {}, {}, shared);
  const auto parsed = topic::parse_filter(view.topic);
  if (const auto* none = std::get_if<topic::NoNodeTopic>(&parsed))
    return with_fault(std::move(view), none->reason);
  if (const auto* topic = std::get_if<topic::NodeTopic>(&parsed)) {
    set(view, *topic);
    return view;
  }
  const auto* pattern = std::get_if<topic::NodePattern>(&parsed);
  if (pattern == nullptr)
    return with_fault(std::move(view), "nothing is retained on topics that begin with $");
  view.host = pattern->host;
  if (pattern->type) view.type = topic::name(*pattern->type);
  view.node = pattern->node;
  return view;
}

}  // namespace pubsub_mqtt::hub
