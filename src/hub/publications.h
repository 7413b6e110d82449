// PUBLISH, and what pubsub's items become for MQTT (docs/mapping.md, "Publish"). Prosody's thread only.
#pragma once

#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <random>
#include <string_view>
#include <variant>

#include "client.h"
#include "nodes.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/hub/pubsub_service.h"
#include "pubsub_mqtt/topic/topic.h"
#include "retained_store.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class Publications {
 public:
  Publications(const Shared& shared, Nodes& nodes, RetainedStore& retained)
      : shared_(shared), nodes_(nodes), retained_(retained) {}

  void carry_out(Client& client, PublishRequest& request);

  // See Hub.
  bool wants_item(std::string_view host, std::string_view name, std::string_view id);
  void item_published(std::string_view host, std::string_view name, std::string_view id,
                      const pugi::xml_node& element, std::string_view publisher);
  void own_item_published();

 private:
  using Published = PubsubService::Published;
  // A client's publication, whose item pubsub is being given right now.
  struct Own {
    const topic::NodeTopic& topic;
    const Publication& publication;
    const pugi::xml_node element;
    topic::Type type = topic::Type::json;  // in whose form the payload is
    bool is_again = false;                 // pubsub has had it in an earlier process
    bool is_stand_in = false;              // the element, for a payload that is too large for XMPP streams
  };

  void count(const Published& published) const;
  mqtt::Reason told(const Published& published, const Envelope& envelope) const;
  Published publish(const Client& client, const PublishRequest& request, const topic::NodeTopic& topic);
  std::optional<bool> is_published_already(const PublishRequest& request,
                                           const topic::NodeTopic& topic) const;
  Published publish_item(const Client& client, const PublishRequest& request, const topic::NodeTopic& topic);
  std::variant<pugi::xml_document, payload::Refused> to_item(const Client& client,
                                                             const PublishRequest& request,
                                                             const topic::NodeTopic& topic);
  Published clear(const Client& client, const Publication& publication, const topic::NodeTopic& topic);
  std::shared_ptr<const Route> route(const topic::NodeTopic& topic);

  const Shared& shared_;
  Nodes& nodes_;
  RetainedStore& retained_;
  const Own* own_ = nullptr;
  bool own_was_posted_ = false;  // the last one had an audience
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace pubsub_mqtt::hub
