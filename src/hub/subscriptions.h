// SUBSCRIBE and UNSUBSCRIBE: which filters a client has, and what it is told of them (docs/mapping.md, "Subscribe").
// Prosody's thread only.
#pragma once

#include <cstdint>
#include <string_view>

#include "audiences.h"
#include "client.h"
#include "clients.h"
#include "nodes.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/topic/topic.h"
#include "retained_scans.h"
#include "shared.h"
#include "system_topics.h"

namespace pubsub_mqtt::hub {

// Why a filter is refused.
struct Refusal {
  mqtt::Reason reason = mqtt::Reason::unspecified_error;
  std::string_view text;  // a string literal
};

class Subscriptions {
 public:
  Subscriptions(const Shared& shared, Nodes& nodes, Clients& clients, Audiences& audiences,
                RetainedScans& scans, SystemTopics& system)
      : shared_(shared),
        nodes_(nodes),
        clients_(clients),
        audiences_(audiences),
        scans_(scans),
        system_(system) {}

  // A piece of what the client asked. True: all of it is done, and answered.
  bool carry_out(Client& client, SubscribeRequest& request);
  bool carry_out(Client& client, UnsubscribeRequest& request);
  // The session is over: its filters go.
  bool end(Client& client);
  // Topics are mounted elsewhere from now on: so do filters that are mounted, all at once.
  void forget_mounted();

  // The session is about to end, and waits for no answer: the network thread is told what to count out.
  void drop(Client& client, SubscribeRequest& request);
  void drop(Client& client, UnsubscribeRequest& request);

 private:
  enum class Progress : std::uint8_t { granted, refused, unfinished };
  // All filters are counted and judged before any node is looked at for those with a wildcard.
  bool judge_filters(Client& client, const SubscribeRequest& request);
  Progress subscribe(Client& client, const Subscription& filter);
  // Without a wildcard, and with one. `filter` is what the client asked for.
  Progress subscribe(Client& client, const Subscription& asked, const topic::GroupFilter& filter,
                     const topic::NodeTopic& topic);
  Progress subscribe(Client& client, const Subscription& asked, const topic::GroupFilter& filter,
                     const topic::NodePattern& pattern);
  void refuse_beyond_limit(Client& client, const SubscribeRequest& request);
  Progress refuse(Client& client, const TopicFilter& filter, const Refusal& refusal);
  bool is_outdated(const TopicFilter& asked, const topic::GroupFilter& filter) const;
  bool has_all_filters(const Client& client) const;
  // These return true when they are done.
  bool follow_changed(Client& client);
  bool remove_followed(Client& client);
  bool follow(Client& client, const StoredFilter& filter, const Subscriber::Pattern& changed);
  bool unsubscribe(Client& client, const TopicFilter& topic_filter);
  bool unsubscribe(Client& client, const topic::GroupFilter& filter);
  void unsubscribe_node(Client& client, const topic::GroupFilter& filter);
  static void interrupt(Client& client);
  template <typename Visit>
  bool walk(Client& client, const topic::NodePattern& pattern, Visit&& visit);

  const Shared& shared_;
  Nodes& nodes_;
  Clients& clients_;
  Audiences& audiences_;
  RetainedScans& scans_;
  SystemTopics& system_;
};

}  // namespace pubsub_mqtt::hub
