#include "retained_store.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace pubsub_mqtt::hub {

namespace {

// A clock that lags a little behind must not have the time come too early.
constexpr Time margin = std::chrono::milliseconds(100);

// Of a clear where nothing was retained.
topic::Type natural(std::optional<topic::Type> type_of_clear) {
  return type_of_clear == topic::Type::any ? payload::type_of_any({})
                                           : type_of_clear.value_or(topic::Type::xml);
}

}  // namespace

void RetainedStore::set(Node& node, Retained retained) {
  Publishing& publishing = node.open_publishing();
  keep(node, std::move(retained));
  publishing.retained_at = ++last_;
  shared_.service.save_retained(node.host(), node.name(), node.retained.get());
}

void RetainedStore::forget(Node& node) {
  if (!node.retained) return;
  drop(node);
  shared_.service.save_retained(node.host(), node.name(), nullptr);
}

RetainedStore::Expiry RetainedStore::expiry(const Node& node) {
  return {.at = node.retained->envelope.expires_at,
          .host = std::string(node.host()),
          .name = std::string(node.name())};
}

void RetainedStore::keep(Node& node, Retained retained) {
  drop(node);
  node.is_unrestored = false;
  node.has_ended = false;
  node.retained = std::make_unique<Retained>(std::move(retained));
  ++shared_.metrics.retained_messages;
  shared_.metrics.retained_bytes += node.retained->payload.size();
  if (node.retained->envelope.expires_at == Time::max()) return;
  expiries_.insert(expiry(node));
  ask_to_be_woken();
}

void RetainedStore::drop(Node& node) {
  if (!node.retained) return;
  if (node.retained->envelope.expires_at != Time::max()) expiries_.erase(expiry(node));
  --shared_.metrics.retained_messages;
  shared_.metrics.retained_bytes -= node.retained->payload.size();
  node.retained.reset();
}

// Nothing older takes its place. That there is something newer is seen where pubsub is given it.
void RetainedStore::end(Node& node) {
  drop(node);
  node.is_unrestored = false;  // though what there was could not be read
  node.has_ended = true;
  node.withdraw_route();
  shared_.service.save_retained(node.host(), node.name(), nullptr);
}

bool RetainedStore::step() {
  if (expiries_.empty() || expiries_.begin()->at > shared_.now) {
    if (wakes_at_ <= shared_.now) wakes_at_ = Time::max();
    ask_to_be_woken();
    return false;
  }
  const Expiry due = *expiries_.begin();
  expiries_.erase(expiries_.begin());
  Node* node = nodes_.find(due.host, due.name);
  // The host may have been disabled meanwhile.
  if (node == nullptr || !node->retained || node->retained->envelope.expires_at != due.at) return true;
  end(*node);
  shared_.service.drop_current(node->host(), node->name());
  return true;
}

void RetainedStore::ask_to_be_woken() {
  if (expiries_.empty() || expiries_.begin()->at >= wakes_at_) return;
  wakes_at_ = expiries_.begin()->at;
  shared_.service.wake_after(std::max(wakes_at_ - shared_.now, Time(0)) + margin);
}

void RetainedStore::clear(Node& node, const Envelope& envelope, std::optional<topic::Type> type_of_clear) {
  if (node.has_audience()) {
    const auto natural_type = node.retained ? node.retained->natural_type : natural(type_of_clear);
    ItemPublished item{.node = node.id,
                       .natural_type = natural_type,
                       .payloads = {},
                       .published_as = concrete(type_of_clear.value_or(natural_type), natural_type),
                       .envelope = envelope};
    for (const topic::Form form :
         {natural_type, topic::Type::xml, topic::Type::any, type_of_clear.value_or(natural_type)}) {
      item.payloads[form.index()].emplace();
      if (node.mounted && node.mounted->type == form.type) item.payloads[node.mounted->index()].emplace();
    }
    shared_.deliveries.emplace_back(std::move(item));
  }
  end(node);
}

bool RetainedStore::know(Node& node) {
  if (!std::exchange(node.is_unrestored, false)) return false;
  shared_.work += work::item;
  shared_.service.restore(node.host(), node.name());
  return true;
}

void RetainedStore::restore_item(Node& node, Retained retained) {
  keep(node, std::move(retained));
  shared_.service.save_retained(node.host(), node.name(), node.retained.get());
}

void RetainedStore::restore(Node* node, std::string_view host, std::string_view name, Retained retained) {
  if (node != nullptr && node->exists) {
    if (!node->retained) keep(*node, std::move(retained));
  } else {
    shared_.service.save_retained(host, name, nullptr);
  }
}

}  // namespace pubsub_mqtt::hub
