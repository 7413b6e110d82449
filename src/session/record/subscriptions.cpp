#include "record/subscriptions.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::session {

Subscriptions::ByFilter::iterator Subscriptions::place(std::string_view topic_filter) const {
  return std::lower_bound(
      by_filter_->begin(), by_filter_->end(), topic_filter,
      [](const Subscription& each, std::string_view wanted) { return each.topic_filter < wanted; });
}

void Subscriptions::set(Subscription subscription) {
  if (!by_filter_) by_filter_ = std::make_unique<ByFilter>();
  const auto found = place(subscription.topic_filter);
  if (found != by_filter_->end() && found->topic_filter == subscription.topic_filter) {
    *found = std::move(subscription);
  } else {
    by_filter_->insert(found, std::move(subscription));
  }
}

void Subscriptions::erase(std::string_view topic_filter) {
  if (!by_filter_) return;
  const auto found = place(topic_filter);
  if (found == by_filter_->end() || found->topic_filter != topic_filter) return;
  by_filter_->erase(found);
  if (by_filter_->empty()) by_filter_.reset();
}

const Subscription* Subscriptions::find(std::string_view topic_filter) const {
  if (!by_filter_) return nullptr;
  const auto found = place(topic_filter);
  return found != by_filter_->end() && found->topic_filter == topic_filter ? &*found : nullptr;
}

bool Subscriptions::select(std::string_view topic) const {
  const auto parsed = topic::parse_topic(topic);
  const auto* wanted = std::get_if<topic::NodeTopic>(&parsed);
  if (!by_filter_ || wanted == nullptr) return false;
  return std::ranges::any_of(*by_filter_, [&](const Subscription& each) {
    if (each.topic_filter == topic) return true;
    const auto filter = topic::parse_filter(each.topic_filter);
    const auto* pattern = std::get_if<topic::NodePattern>(&filter);
    return pattern != nullptr && pattern->selects(wanted->host, wanted->node) &&
           (!pattern->type || *pattern->type == wanted->type);
  });
}

}  // namespace pubsub_mqtt::session
