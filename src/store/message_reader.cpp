#include "message_reader.h"

#include <memory>
#include <utility>

#include "row_values.h"

namespace pubsub_mqtt::store {

MessageRow read_message(Statement& row) {
  MessageRow message{.number = number(row)};
  message.audience = number(row);
  message.is_retained = flag(row);
  message.full_topic = text(row);
  Publication publication{.topic = text(row), .payload = {}};
  publication.envelope.qos = qos(row);
  publication.envelope.retain = flag(row);
  publication.envelope.publisher = number(row);
  message.expires_at = optional_duration<WallTime>(row).value_or(MessageRow::never);
  publication.envelope.properties = properties(row);
  publication.payload = text(row);
  message.publication = std::make_shared<const Publication>(std::move(publication));
  return message;
}

}  // namespace pubsub_mqtt::store
