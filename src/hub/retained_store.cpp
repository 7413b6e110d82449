#include "retained_store.h"

#include <memory>
#include <utility>

namespace pubsub_mqtt::hub {

void RetainedStore::set(Node& node, Retained retained) {
  node.retained = std::make_unique<Retained>(std::move(retained));
  node.retained_at = ++last_;
  shared_.service.save_retained(node.host, node.name, node.retained.get());
}

void RetainedStore::forget(Node& node) {
  if (!node.retained) return;
  node.retained.reset();
  shared_.service.save_retained(node.host, node.name, nullptr);
}

void RetainedStore::clear(Node& node, const Envelope& envelope, std::optional<topic::Type> type_of_clear) {
  if (node.has_audience()) {
    const auto natural_type =
        node.retained ? node.retained->natural_type : type_of_clear.value_or(topic::Type::xml);
    ItemPublished item{.node = node.id,
                       .natural_type = natural_type,
                       .payloads = {},
                       .published_as = type_of_clear,
                       .envelope = envelope};
    for (const auto type : {natural_type, topic::Type::xml, type_of_clear.value_or(natural_type)}) {
      item.payloads[static_cast<std::size_t>(type)].emplace();
    }
    shared_.deliveries.emplace_back(std::move(item));
  }
  forget(node);
}

void RetainedStore::restore(Node* node, std::string_view host, std::string_view name, Retained retained) {
  if (node != nullptr && node->exists) {
    if (!node->retained) node->retained = std::make_unique<Retained>(std::move(retained));
  } else {
    shared_.service.save_retained(host, name, nullptr);
  }
}

}  // namespace pubsub_mqtt::hub
