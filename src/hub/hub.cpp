#include "pubsub_mqtt/hub/hub.h"

#include <array>
#include <ctime>
#include <iterator>
#include <map>
#include <type_traits>
#include <utility>
#include <variant>

#include "pubsub_mqtt/payload/xml_text.h"
#include "uuid.h"

namespace pubsub_mqtt::hub {
namespace {

using Outcome = PublishReply::Outcome;

// What `<item>` and its attributes add to the payload, and what XML escaping makes of one byte at most.
constexpr std::size_t item_overhead = 512;
constexpr std::size_t escaped_size = 6;

bool is_too_large(const pugi::xml_node& payload, std::size_t payload_size, std::size_t max_item_size) {
  // Seldom worth the serialising: only an item that could be too large is measured.
  if (payload_size * escaped_size + item_overhead <= max_item_size) return false;
  return payload::serialize(payload).size() + item_overhead > max_item_size;
}

std::size_t bytes_of(const PublishRequest& request) { return request.topic.size() + request.payload.size(); }

}  // namespace

struct Hub::Client {
  std::string name;  // for log lines
  std::deque<Request> waiting;
  std::set<std::string, std::less<>> filters;
  std::vector<mqtt::SubackReturnCode> return_codes;  // of the SUBSCRIBE that is being carried out
  std::set<std::string, std::less<>> logged;         // reasons of refusals that the log has already
};

struct Hub::Node {
  struct Member {
    Selection asked;
    Selection posted;
  };
  NodeId id = 0;
  std::string host;
  std::string name;
  using Members = std::map<SessionId, Member>;
  Members members;
  std::array<std::size_t, payload::type_count> recipients{};  // how many sessions receive each TYPE

  // Posts what differs from what the network thread knows of a member, and forgets one who asks for nothing.
  Members::iterator judge(Members::iterator member, bool may_receive, std::vector<Delivery>& deliveries) {
    auto& [asked, posted] = member->second;
    const Selection selection = may_receive ? asked : Selection{};
    if (selection != posted) {
      for (std::size_t type = 0; type < payload::type_count; ++type) {
        if (selection.by_type[type]) ++recipients[type];
        if (posted.by_type[type]) --recipients[type];
      }
      posted = selection;
      deliveries.emplace_back(AudienceChange{.node = id, .session = member->first, .selection = selection});
    }
    return asked.empty() ? members.erase(member) : std::next(member);
  }
};

// The envelope of an item that a client publishes: what pubsub does not carry.
struct Hub::Publication {
  const NodeTopic& topic;
  const PublishRequest& request;
  const pugi::xml_node payload;
};

Hub::Hub(PubsubService& service, std::size_t max_item_size) : service_(service), max_item_size_(max_item_size) {}
Hub::~Hub() = default;

void Hub::accept(std::vector<Request>& batch) {
  for (auto& request : batch) {
    std::visit(
        [&](auto& each) {
          using Kind = std::decay_t<decltype(each)>;
          if constexpr (std::is_same_v<Kind, LogLine>) {
            service_.log(each.level, each.text);
          } else if constexpr (std::is_same_v<Kind, OpenSession>) {
            clients_[each.session].name = std::move(each.client);
          } else {
            queue(std::move(request), each.session);
          }
        },
        request);
  }
  batch.clear();
}

void Hub::queue(Request&& request, SessionId session) {
  auto& waiting = clients_[session].waiting;
  waiting.push_back(std::move(request));
  if (waiting.size() == 1) turn_.push_back(session);
}

bool Hub::step() {
  if (turn_.empty()) return false;
  const SessionId session = turn_.front();
  turn_.pop_front();
  Client& client = clients_.at(session);
  const bool done = std::visit(
      [&](auto& request) {
        if constexpr (requires { carry_out(client, session, request); }) {
          return carry_out(client, session, request);
        } else {
          return true;  // accept() queues nothing else
        }
      },
      client.waiting.front());
  if (done) client.waiting.pop_front();
  if (!client.waiting.empty()) {
    turn_.push_back(session);
  } else if (client.name.empty()) {
    clients_.erase(session);
  }
  return true;
}

// One filter a turn: a SUBSCRIBE may hold tens of thousands.
bool Hub::carry_out(Client& client, SessionId session, SubscribeRequest& request) {
  client.return_codes.push_back(subscribe(client, session, request.filters[client.return_codes.size()]));
  if (client.return_codes.size() < request.filters.size()) return false;
  deliveries_.emplace_back(SubscribeReply{.session = session,
                                          .connection = request.connection,
                                          .packet_identifier = request.packet_identifier,
                                          .return_codes = std::exchange(client.return_codes, {})});
  return true;
}

bool Hub::carry_out(Client& client, SessionId session, UnsubscribeRequest& request) {
  for (const auto& topic_filter : request.topic_filters) unsubscribe(client, session, topic_filter);
  deliveries_.emplace_back(UnsubscribeReply{.session = session,
                                            .connection = request.connection,
                                            .packet_identifier = request.packet_identifier});
  return true;
}

bool Hub::carry_out(Client& client, SessionId session, PublishRequest& request) {
  const PubsubService::Published published = publish(request);
  if (published.outcome != Outcome::accepted) {
    refuse(client, "PUBLISH", request.topic, published.reason);
  }
  deliveries_.emplace_back(PublishReply{.session = session,
                                        .qos = request.qos,
                                        .packet_identifier = request.packet_identifier,
                                        .outcome = published.outcome,
                                        .bytes = bytes_of(request)});
  return true;
}

bool Hub::carry_out(Client& client, SessionId session, CloseSession& /*request*/) {
  while (!client.filters.empty()) unsubscribe(client, session, std::string(*client.filters.begin()));
  client.name.clear();  // step() forgets the client
  return true;
}

mqtt::SubackReturnCode Hub::subscribe(Client& client, SessionId session, const SubscribeRequest::Filter& filter) {
  const auto refused = [&](std::string_view reason) {
    unsubscribe(client, session, filter.topic_filter);
    refuse(client, "SUBSCRIBE", filter.topic_filter, reason);
    return mqtt::SubackReturnCode::failure;
  };
  const auto parsed = parse_topic(filter.topic_filter);
  if (const auto* none = std::get_if<NoNodeTopic>(&parsed)) return refused(none->reason);
  const auto& topic = std::get<NodeTopic>(parsed);
  switch (service_.host_status(topic.host)) {
    case PubsubService::HostStatus::unknown:
      return refused("no pubsub component of that name is configured");
    case PubsubService::HostStatus::configured:
      break;  // granted, and waits
    case PubsubService::HostStatus::enabled:
      if (service_.subscribe(topic.host, topic.node) == PubsubService::Subscribed::refused) {
        return refused("the client may not read the node: its access_model is not \"open\"");
      }
  }
  client.filters.insert(filter.topic_filter);
  select(open_node(topic), session, topic.type, mqtt::QoS::at_most_once);
  return mqtt::SubackReturnCode::qos_0;
}

void Hub::unsubscribe(Client& client, SessionId session, const std::string& topic_filter) {
  if (client.filters.erase(topic_filter) == 0) return;
  const auto parsed = parse_topic(topic_filter);
  const auto& topic = std::get<NodeTopic>(parsed);
  const auto host = hosts_.find(topic.host);
  const auto found = host->second.find(topic.node);
  Node& node = found->second;
  select(node, session, topic.type, std::nullopt);
  if (!node.members.empty()) return;
  deliveries_.emplace_back(NodeClosed{.node = node.id});
  host->second.erase(found);
  if (host->second.empty()) hosts_.erase(host);
}

PubsubService::Published Hub::publish(const PublishRequest& request) {
  const auto refused = [](std::string_view reason) {
    return PubsubService::Published{.outcome = Outcome::refused, .reason = std::string(reason)};
  };
  const auto parsed = parse_topic(request.topic);
  if (const auto* none = std::get_if<NoNodeTopic>(&parsed)) return refused(none->reason);
  const auto& topic = std::get<NodeTopic>(parsed);
  switch (service_.host_status(topic.host)) {
    case PubsubService::HostStatus::unknown:
      return refused("no pubsub component of that name is configured");
    case PubsubService::HostStatus::configured:
      return {.outcome = Outcome::failed, .reason = "pubsub_mqtt is not loaded on the component now"};
    case PubsubService::HostStatus::enabled:
      break;
  }
  const std::string entry_id = topic.type == payload::Type::atom_title ? random_uuid_urn(random_) : std::string();
  const auto element = payload::to_element(topic.type, request.payload,
                                           {.id = entry_id, .author = "anonymous", .updated = std::time(nullptr)});
  if (const auto* bad = std::get_if<payload::Refused>(&element)) return refused(bad->reason);
  const pugi::xml_node payload = std::get<pugi::xml_document>(element).document_element();
  if (is_too_large(payload, request.payload.size(), max_item_size_)) {
    return refused("the item is larger than mqtt_max_item_size");
  }
  Publication publication{.topic = topic, .request = request, .payload = payload};
  publication_ = &publication;
  auto published = service_.publish(topic.host, topic.node, payload);
  publication_ = nullptr;
  return published;
}

void Hub::refuse(Client& client, std::string_view what, std::string_view topic, std::string_view reason) {
  if (!client.logged.emplace(reason).second) return;
  std::string line = client.name;
  line += ": ";
  line += what;
  line += " to ";
  line += topic;
  line += " refused: ";
  line += reason;
  line += " (logged once for this client)";
  service_.log(LogLevel::info, line);
}

void Hub::take_deliveries(std::vector<Delivery>& into) {
  into.insert(into.end(), std::move_iterator(deliveries_.begin()), std::move_iterator(deliveries_.end()));
  deliveries_.clear();
}

bool Hub::has_audience(std::string_view host, std::string_view node) {
  return find_node(host, node) != nullptr;
}

void Hub::item_published(std::string_view host, std::string_view node, const pugi::xml_node& payload) {
  if (const Node* found = find_node(host, node)) post_item(*found, payload, nullptr);
}

void Hub::own_item_published() {
  const Node* found = find_node(publication_->topic.host, publication_->topic.node);
  if (found != nullptr) post_item(*found, publication_->payload, publication_);
}

void Hub::post_item(const Node& node, const pugi::xml_node& payload, const Publication* publication) {
  ItemPublished item{.node = node.id, .qos = mqtt::QoS::exactly_once, .payloads = {}};
  if (publication != nullptr) item.qos = publication->request.qos;
  bool any = false;
  for (std::size_t i = 0; i < payload::type_count; ++i) {
    if (node.recipients[i] == 0) continue;
    const auto type = static_cast<payload::Type>(i);
    // MQTT to MQTT is exact to the byte.
    if (publication != nullptr && publication->topic.type == type) {
      item.payloads[i] = publication->request.payload;
    } else {
      item.payloads[i] = payload::to_mqtt(type, payload);
    }
    any = any || item.payloads[i].has_value();
  }
  if (any) deliveries_.emplace_back(std::move(item));
}

void Hub::node_changed(std::string_view host, std::string_view node) {
  if (Node* found = find_node(host, node)) judge(*found);
}

void Hub::host_changed(std::string_view host) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return;
  for (auto& [name, node] : found->second) judge(node);
}

Hub::Node& Hub::open_node(const NodeTopic& topic) {
  auto& nodes = hosts_.try_emplace(std::string(topic.host)).first->second;
  const auto [place, is_new] = nodes.try_emplace(std::string(topic.node));
  Node& node = place->second;
  if (is_new) {
    node.id = ++last_node_;
    node.host = topic.host;
    node.name = topic.node;
    deliveries_.emplace_back(NodeOpened{.node = node.id, .host = node.host, .name = node.name});
  }
  return node;
}

Hub::Node* Hub::find_node(std::string_view host, std::string_view node) {
  const auto nodes = hosts_.find(host);
  if (nodes == hosts_.end()) return nullptr;
  const auto found = nodes->second.find(node);
  return found == nodes->second.end() ? nullptr : &found->second;
}

void Hub::select(Node& node, SessionId session, payload::Type type, std::optional<mqtt::QoS> qos) {
  const auto member = node.members.try_emplace(session).first;
  member->second.asked.by_type[static_cast<std::size_t>(type)] = qos;
  node.judge(member, service_.may_receive(node.host, node.name), deliveries_);
}

void Hub::judge(Node& node) {
  const bool may_receive = service_.may_receive(node.host, node.name);
  for (auto member = node.members.begin(); member != node.members.end();) {
    member = node.judge(member, may_receive, deliveries_);
  }
}

}  // namespace pubsub_mqtt::hub
