#include "durable/stored_rows.h"

#include <variant>

#include "durable/journal.h"
#include "pubsub_mqtt/topic/topic.h"
#include "routing/audiences.h"
#include "routing/shared_groups.h"

namespace pubsub_mqtt::session {

std::shared_ptr<Message> StoredRows::message(const store::MessageRow& row) const {
  const bool is_mounted = !row.full_topic.empty();
  const auto parsed = topic::parse_topic(is_mounted ? row.full_topic : row.publication->topic);
  const auto* place = std::get_if<topic::NodeTopic>(&parsed);
  if (place == nullptr) return nullptr;
  Publication publication = *row.publication;
  if (row.expires_at == store::WallTime(0)) {
    publication.envelope.expires_at = Envelope::at_once;
  } else if (row.expires_at != store::MessageRow::never) {
    publication.envelope.expires_at = journal.time_of(row.expires_at);
  }
  const auto kind = row.is_retained ? Message::Kind::retained : Message::Kind::live;
  auto message =
      std::make_shared<Message>(kind, 0, topic::Form{place->type, is_mounted}, std::move(publication));
  message->stored() = {.number = row.number, .waits_in_store = true};
  audiences.set_node(place->host, place->node, message);
  return message;
}

Selected StoredRows::selected(const Member& member, const std::string& account,
                              const Message& message) const {
  Selected selected{.qos = member.qos, .retain = member.retain};
  if (!member.identifiers.empty()) {
    selected.identifiers = std::make_shared<const std::string>(member.identifiers);
  }
  if (!member.shared_filter.empty()) {
    selected.group = groups.number(account, member.shared_filter, message.form().is_mounted);
  }
  return selected;
}

}  // namespace pubsub_mqtt::session
