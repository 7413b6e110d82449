// Requests as the network thread makes them, written down briefly.
#pragma once

#include <string>
#include <vector>

#include "pubsub_mqtt/boundary/requests.h"

namespace pubsub_mqtt {

struct AskToPublish {
  SessionId session = 0;
  ConnectionId connection = 0;
  std::string topic;
  std::string payload = {};
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool retain = false;
  bool will = false;
  mqtt::PacketIdentifier packet_identifier = 0;

  operator Request() const {  // NOLINT(google-explicit-constructor)
    const Publication publication{
        .topic = topic, .payload = payload, .envelope = {.qos = qos, .retain = retain, .publisher = session}};
    return PublishRequest{.ticket = {.session = session,
                                     .connection = connection,
                                     .packet_identifier = packet_identifier,
                                     .qos = qos,
                                     .will = will,
                                     .bytes = publication.size()},
                          .publication = publication};
  }
};

struct AskToSubscribe {
  SessionId session = 0;
  ConnectionId connection = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
  std::vector<Subscription> filters;

  operator Request() const {  // NOLINT(google-explicit-constructor)
    return SubscribeRequest{
        .ticket = {.session = session, .connection = connection, .packet_identifier = packet_identifier},
        .subscriptions = filters};
  }
};

struct AskToUnsubscribe {
  SessionId session = 0;
  ConnectionId connection = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
  std::vector<std::string> topic_filters;

  operator Request() const {  // NOLINT(google-explicit-constructor)
    return UnsubscribeRequest{
        .ticket = {.session = session, .connection = connection, .packet_identifier = packet_identifier},
        .topic_filters = {topic_filters.begin(), topic_filters.end()}};
  }
};

}  // namespace pubsub_mqtt
