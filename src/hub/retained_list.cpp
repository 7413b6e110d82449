#include "retained_list.h"

#include <string>
#include <utility>
#include <variant>

#include "pubsub_mqtt/base/utf8.h"
#include "work.h"

namespace pubsub_mqtt::hub {
namespace {

constexpr std::size_t longest_excerpt = 100;  // bytes

bool is_control(char32_t character) { return character < 0x20 || (character >= 0x7F && character < 0xA0); }

// The beginning of a text, in one line; nothing of what is none.
std::string excerpt(std::string_view payload) {
  std::string text;
  while (!payload.empty()) {
    const auto character = next_character(payload);
    if (!character || character->code_point == 0) return {};
    if (text.size() + character->size > longest_excerpt) return text + "...";
    if (is_control(character->code_point)) {
      text += ' ';
    } else {
      text += payload.substr(0, character->size);
    }
    payload.remove_prefix(character->size);
  }
  return text;
}

}  // namespace

RetainedPage RetainedList::read(std::string_view filter, const RetainedPosition& from, std::size_t most) {
  RetainedPage page;
  const auto parsed = topic::parse_filter(filter);
  if (const auto* topic = std::get_if<topic::NodeTopic>(&parsed)) {
    if (Node* node = nodes_.find(topic->host, topic->node)) add(*node, topic->type, page);
    page.is_last = true;
    return page;
  }
  const auto& pattern = std::get<topic::NodePattern>(parsed);
  NodePosition position{.host = from.host, .name = from.node};
  page.is_last = nodes_.walk(pattern, position, [&](Node& node) {
    add(node, pattern.type, page);
    return page.messages.size() < most;
  });
  page.next = {.host = std::move(position.host), .node = std::move(position.name)};
  return page;
}

// One of another TYPE than is asked for is none.
void RetainedList::add(Node& node, std::optional<topic::Type> type, RetainedPage& page) {
  store_.know(node);
  if (!node.retained || store_.has_expired(*node.retained)) return;
  const Retained& retained = *node.retained;
  const auto payload = retained.view(type.value_or(retained.natural_type));
  if (!payload) return;
  shared_.work += payload->size() / work::bytes_of_copy;
  RetainedView view{
      .topic = topic::make_topic(node.host(), type.value_or(retained.natural_type), node.name()),
      .host = std::string(node.host()),
      .node = std::string(node.name()),
      .excerpt = excerpt(*payload),
      .bytes = payload->size(),
      .qos = retained.envelope.qos};
  if (retained.envelope.expires_at != Time::max())
    view.expires_in = retained.envelope.expires_at - shared_.now;
  page.messages.push_back(std::move(view));
}

}  // namespace pubsub_mqtt::hub
