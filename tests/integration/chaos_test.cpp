// Clients publish and subscribe at QoS 1 and 2 while their connections die at random: nothing acknowledged is
// lost, nothing at QoS 2 comes twice, and order is kept.
//
// PUBSUB_MQTT_CHAOS_SEED has every client make the decisions of an earlier run; threads and sockets add
// chance of their own.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <deque>
#include <future>
#include <iostream>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

constexpr std::chrono::seconds duration{20};
constexpr std::chrono::seconds between_reloads{5};

// One packet in so many is a connection's last.
constexpr unsigned packets_between_deaths = 40;

constexpr int publishers_a_qos = 2;
constexpr std::size_t window = 8;
constexpr const char* filter = "pubsub.localhost/utf8/chaos/#";
constexpr std::string_view last_word = "end";

using Random = std::mt19937_64;

// A client whose session outlives its connections, which die.
class Mortal {
 public:
  Mortal(std::uint16_t port, std::string client_identifier, std::uint64_t seed)
      : port_(port), client_identifier_(std::move(client_identifier)), random_(seed) {}

  // A new connection, with the same session.
  void connect() {
    const auto until = deadline();
    while (!try_to_connect()) {
      if (Clock::now() >= until) throw TimedOut("no connection for " + client_identifier_);
    }
    ++connections_;
  }

  // Throws ConnectionClosed when the connection dies of it, in the middle of the packet or after it.
  template <typename P>
  void send(const P& packet) {
    std::string bytes;
    mqtt::write(packet, bytes);
    if (is_this_the_end()) {
      bytes.resize(random_() % (bytes.size() + 1));
      client_->send_bytes(bytes);
      die();
    }
    client_->send_bytes(bytes);
  }

  mqtt::Packet read() {
    if (is_this_the_end()) die();
    return client_->read();
  }

  const std::string& client_identifier() const { return client_identifier_; }
  int connections() const { return connections_; }

 private:
  bool is_this_the_end() { return random_() % packets_between_deaths == 0; }

  bool try_to_connect() {
    try {
      auto client = std::make_unique<RawMqtt>(port_);
      client->send(mqtt::Connect{.clean_session = false, .client_identifier = client_identifier_});
      if (is_this_the_end()) return false;  // before CONNACK
      const auto connack = client->read_packet<mqtt::Connack>();
      EXPECT_EQ(connack.reason, mqtt::Reason::success);
      EXPECT_TRUE(connack.session_present || connections_ == 0) << client_identifier_;
      client_ = std::move(client);  // the old one may be alive until now: a takeover
      return true;
    } catch (const ConnectionClosed&) {
      return false;
    } catch (const std::system_error&) {
      return false;  // while the module is reloaded, nobody listens
    }
  }

  [[noreturn]] void die() {
    switch (random_() % 3) {
      case 0:
        abort(*client_);
        break;
      case 1:
        client_.reset();
        break;
      default:  // lives on until the next connection takes its session over
        break;
    }
    throw ConnectionClosed("killed");
  }

  std::uint16_t port_;
  std::string client_identifier_;
  Random random_;
  int connections_ = 0;
  std::unique_ptr<RawMqtt> client_;
};

// How many messages the publishers are ahead of a subscriber: the gateway would take more than it can deliver
// to a client that dies all the time, and what is queued must be heard at the end.
class Lead {
 public:
  // Before a message is published: returns when there is place for it.
  void extend() {
    const int number = ++published_;
    for (int heard = heard_; number - heard > bound; heard = heard_) heard_.wait(heard);
  }
  void shorten() {
    ++heard_;
    heard_.notify_all();
  }
  // The subscriber has gone, well or not.
  void give_up() {
    heard_ = std::numeric_limits<int>::max();
    heard_.notify_all();
  }

 private:
  static constexpr int bound = 2000;
  std::atomic<int> published_ = 0;
  std::atomic<int> heard_ = 0;
};
using Leads = std::array<Lead, 2>;  // one for each subscriber

// Publishes numbers, each until it is acknowledged, and `last_word` at the end.
class Publisher {
 public:
  Publisher(Mortal mortal, mqtt::QoS qos, Leads& leads)
      : mortal_(std::move(mortal)),
        leads_(leads),
        topic_("pubsub.localhost/utf8/chaos/" + mortal_.client_identifier()),
        qos_(qos) {}

  // Returns how many messages were acknowledged.
  int run(Clock::time_point until) {
    mortal_.connect();
    while (!is_done()) {
      try {
        while (unacknowledged_.size() < window && !ended_) publish_next(until);
        handle(mortal_.read());
      } catch (const ConnectionClosed&) {
        come_back();
      }
    }
    return published_;
  }

  int connections() const { return mortal_.connections(); }

 private:
  struct Unacknowledged {
    mqtt::PacketIdentifier packet_identifier;
    std::string payload;
    bool received = false;  // PUBREC came
  };

  bool is_done() const { return ended_ && unacknowledged_.empty(); }

  void publish_next(Clock::time_point until) {
    ended_ = Clock::now() >= until;
    last_identifier_ = last_identifier_ % 65535 + 1;
    const std::string payload = ended_ ? std::string(last_word) : std::to_string(++published_);
    if (!ended_) {
      for (Lead& lead : leads_) lead.extend();
    }
    unacknowledged_.push_back(
        {.packet_identifier = static_cast<mqtt::PacketIdentifier>(last_identifier_), .payload = payload});
    send(unacknowledged_.back(), false);
  }

  void send(const Unacknowledged& each, bool dup) {
    if (each.received) return mortal_.send(mqtt::Pubrel{each.packet_identifier});
    mortal_.send(mqtt::Publish{.topic = topic_,
                               .payload = each.payload,
                               .qos = qos_,
                               .dup = dup,
                               .packet_identifier = each.packet_identifier});
  }

  void come_back() {
    while (true) {
      try {
        mortal_.connect();
        for (const Unacknowledged& each : unacknowledged_) send(each, true);
        return;
      } catch (const ConnectionClosed&) {
        continue;
      }
    }
  }

  void handle(const mqtt::Packet& packet) {
    if (const auto* puback = std::get_if<mqtt::Puback>(&packet)) {
      acknowledged(puback->packet_identifier);
    } else if (const auto* pubrec = std::get_if<mqtt::Pubrec>(&packet)) {
      Unacknowledged& each = find(pubrec->packet_identifier);
      each.received = true;
      send(each, false);
    } else {
      acknowledged(std::get<mqtt::Pubcomp>(packet).packet_identifier);
    }
  }

  Unacknowledged& find(mqtt::PacketIdentifier packet_identifier) {
    for (Unacknowledged& each : unacknowledged_) {
      if (each.packet_identifier == packet_identifier) return each;
    }
    throw std::runtime_error("an acknowledgement for nothing");
  }

  void acknowledged(mqtt::PacketIdentifier packet_identifier) {
    find(packet_identifier);
    std::erase_if(unacknowledged_,
                  [&](const Unacknowledged& each) { return each.packet_identifier == packet_identifier; });
  }

  Mortal mortal_;
  Leads& leads_;
  std::string topic_;
  mqtt::QoS qos_;
  int published_ = 0;
  int last_identifier_ = 0;
  bool ended_ = false;
  std::deque<Unacknowledged> unacknowledged_;
};

class Subscriber {
 public:
  Subscriber(Mortal mortal, mqtt::QoS qos, Lead& lead) : mortal_(std::move(mortal)), lead_(lead), qos_(qos) {}

  void subscribe() {
    while (true) {
      try {
        mortal_.connect();
        mortal_.send(mqtt::Subscribe{.packet_identifier = 1,
                                     .subscriptions = {{.topic_filter = filter, .qos = qos_}}});
        if (std::holds_alternative<mqtt::Suback>(mortal_.read())) return;
      } catch (const ConnectionClosed&) {
        continue;
      }
    }
  }

  // Returns the last number on each topic, when the last word was heard on so many.
  std::map<std::string, int> run(std::size_t topics) {
    const std::unique_ptr<Lead, void (*)(Lead*)> gone(&lead_, [](Lead* lead) { lead->give_up(); });
    while (finished_.size() < topics) {
      try {
        handle(mortal_.read());
      } catch (const ConnectionClosed&) {
        mortal_.connect();
      }
    }
    return last_;
  }

 private:
  void handle(const mqtt::Packet& packet) {
    if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
      const mqtt::PacketIdentifier packet_identifier = pubrel->packet_identifier;
      received_.erase(packet_identifier);
      return mortal_.send(mqtt::Pubcomp{packet_identifier});
    }
    const auto& publish = std::get<mqtt::Publish>(packet);
    const mqtt::PacketIdentifier packet_identifier = publish.packet_identifier;
    if (publish.qos == exactly_once) {
      if (received_.insert(packet_identifier).second) take(publish);  // 4.3.3, method B
      mortal_.send(mqtt::Pubrec{packet_identifier});
    } else {
      take(publish);
      mortal_.send(mqtt::Puback{packet_identifier});
    }
  }

  void take(const mqtt::Publish& publish) {
    const std::string topic(publish.topic);
    int& last = last_[topic];
    const bool is_end = publish.payload == last_word;
    const int number = is_end ? last + 1 : std::stoi(std::string(publish.payload));
    const bool is_new = number == last + 1 && !finished_.contains(topic);
    if (publish.qos == exactly_once) {
      EXPECT_TRUE(is_new) << mortal_.client_identifier() << ": " << number << " after " << last << " on "
                          << topic;
    } else {
      EXPECT_LE(number, last + 1) << mortal_.client_identifier() << " misses messages on " << topic;
    }
    if (is_end) {
      finished_.insert(topic);
    } else if (number > last) {
      last = number;
      lead_.shorten();
    }
  }

  Mortal mortal_;
  Lead& lead_;
  mqtt::QoS qos_;
  std::set<mqtt::PacketIdentifier> received_;  // at QoS 2, and not released yet
  std::map<std::string, int> last_;
  std::set<std::string> finished_;
};

std::uint64_t seed() {
  if (const char* text = std::getenv("PUBSUB_MQTT_CHAOS_SEED")) return std::stoull(text);
  return std::random_device()();
}

TEST(Chaos, NothingAcknowledgedIsLostAndNothingAtQos2ComesTwice) {
  Prosody prosody;
  prosody.start({.global = R"(
    log = { { to = "file", filename = ")" +
                           prosody.folder().path("log") + R"(", levels = { min = "info" } } }
    mqtt_max_queued_messages = 1000000
    mqtt_max_queued_bytes = 1024*1024*1024)"});
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());

  const std::uint64_t first_seed = seed();
  std::cout << "PUBSUB_MQTT_CHAOS_SEED=" << first_seed << std::endl;
  Random seeds(first_seed);
  const auto mortal = [&](const std::string& name) { return Mortal(prosody.mqtt_port(), name, seeds()); };

  Leads leads;
  std::vector<Publisher> publishers;
  std::vector<Subscriber> subscribers;
  for (const mqtt::QoS qos : {at_least_once, exactly_once}) {
    for (int i = 0; i < publishers_a_qos; ++i) {
      const std::string name = "qos" + std::to_string(static_cast<int>(qos)) + "-" + std::to_string(i);
      admin.create("chaos/" + name, {{"access_model", "open"}, {"persist_items", "false"}});
      publishers.emplace_back(mortal(name), qos, leads);
    }
    subscribers.emplace_back(mortal("subscriber" + std::to_string(static_cast<int>(qos))), qos,
                             leads.at(subscribers.size()));
  }
  for (Subscriber& subscriber : subscribers) subscriber.subscribe();

  const auto until = Clock::now() + duration;
  std::vector<std::future<std::map<std::string, int>>> heard;
  heard.reserve(subscribers.size());
  for (Subscriber& subscriber : subscribers) {
    heard.push_back(std::async(std::launch::async, [&] { return subscriber.run(publishers.size()); }));
  }
  std::vector<std::future<int>> published;
  published.reserve(publishers.size());
  for (Publisher& publisher : publishers) {
    published.push_back(std::async(std::launch::async, [&, until] { return publisher.run(until); }));
  }
  // Sessions live through reloads of the module, too.
  while (published.back().wait_for(between_reloads) == std::future_status::timeout) {
    prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  }
  std::multiset<int> counts;
  int connections = 0;
  for (std::size_t i = 0; i < publishers.size(); ++i) {
    counts.insert(published[i].get());
    connections += publishers[i].connections();
  }
  for (auto& each : heard) {
    std::multiset<int> last;
    for (const auto& [topic, number] : each.get()) last.insert(number);
    EXPECT_EQ(last, counts);
  }
  for (const int count : counts) EXPECT_GT(count, 0);
  EXPECT_GT(connections, 10);
  std::cout << connections << " connections, " << std::accumulate(counts.begin(), counts.end(), 0)
            << " messages published" << std::endl;
}

}  // namespace
}  // namespace pubsub_mqtt::tests
