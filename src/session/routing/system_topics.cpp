#include "routing/system_topics.h"

#include <memory>
#include <utility>
#include <vector>

#include "protocol/session.h"
#include "pubsub_mqtt/topic/topic.h"
#include "record/message.h"
#include "routing/session_table.h"

namespace pubsub_mqtt::session {
namespace {

// Of no node: the hub numbers them from 1.
std::shared_ptr<Message> make_message(Message::Kind kind, std::string topic, std::string payload) {
  return std::make_shared<Message>(
      kind, NodeId{0}, topic::Form(),
      Publication{.topic = std::move(topic), .payload = std::move(payload), .envelope = {.retain = true}});
}

}  // namespace

void SystemTopics::publish(SystemPublished& published, const SessionTable& sessions) {
  std::vector<std::shared_ptr<Message>> messages;
  for (auto& [topic, payload] : published.messages) {
    if (payload.empty()) {
      payloads_.erase(topic);
    } else {
      payloads_[topic] = payload;
    }
    messages.push_back(make_message(Message::Kind::live, std::move(topic), std::move(payload)));
  }
  for (const SessionId reader : published.readers) {
    Session* session = sessions.find(reader);
    if (session == nullptr || !(session->has_account() || session->is_anonymous_from_loopback())) continue;
    session->guard([&] {
      for (const auto& message : messages) session->deliver_system(*message);
    });
  }
}

void SystemTopics::send_retained(Session& session, std::string_view filter) const {
  for (const auto& [topic, payload] : payloads_) {
    if (!topic::selects(filter, topic)) continue;
    session.deliver_system(*make_message(Message::Kind::retained, topic, payload));
  }
}

}  // namespace pubsub_mqtt::session
