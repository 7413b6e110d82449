// Clients, a network and a hub through thousands of random interleavings, with connections lost at every step
// of every flow. Each seed gives one history, the same each time; PUBSUB_MQTT_SIMULATION_SEED=<seed> runs a
// single one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "protocol/session.h"
#include "simulated_client.h"
#include "simulated_hub.h"
#include "simulated_network.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using PublishedMessage = SimulatedClient::Message;

constexpr unsigned seeds = 2000;
constexpr int steps = 600;

// In how many ways a connection ended, so that a run which meets no trouble is noticed.
struct Troubles {
  std::size_t lost = 0;
  std::size_t taken_over = 0;
  std::size_t silent = 0;
  std::size_t disconnected = 0;
  std::size_t sent_again = 0;
  // Steps that ended with a queue beyond its limits, and messages that found no place.
  std::size_t beyond_limits = 0;
  std::size_t dropped = 0;
  std::size_t expired = 0;
};

enum class Scenario : std::uint8_t {
  everything,     // messages come from pubsub, queues have room
  one_way,        // the clients feed one that stays connected and acknowledges, with a small queue
  to_each_other,  // each feeds all, with small queues
  shared          // messages come from pubsub, and the clients are a group
};

class Simulation {
 public:
  Simulation(unsigned seed, Scenario scenario, Troubles& troubles)
      : random_(seed),
        scenario_(scenario),
        fails_(seed % 4 == 0),
        hub_(server_, random_, fails_),
        troubles_(troubles) {
    server_.limits.max_inflight = static_cast<std::uint16_t>(1 + random_() % 5);
    server_.limits.max_pending_publishes = 1 + random_() % 6;
    server_.limits.max_outbound_bytes = 400;
    constexpr unsigned of_three = 3;
    add_peer("one", seed % of_three == 0 ? mqtt::ProtocolLevel::mqtt_5 : mqtt::ProtocolLevel::mqtt_3_1_1);
    add_peer("two", seed % of_three == 1 ? mqtt::ProtocolLevel::mqtt_3_1_1 : mqtt::ProtocolLevel::mqtt_5);
    if (scenario == Scenario::everything) return;
    if (scenario == Scenario::shared) {
      make_group();
      return;
    }
    server_.limits.max_queued_messages_in_memory = 1 + random_() % 3;
    add_peer("three", mqtt::ProtocolLevel::mqtt_3_1_1);
    if (scenario == Scenario::to_each_other) {
      hub_.feed();
    } else {
      hub_.feed(peers_[0].client.identifier());
      connect_before_others(peers_[0]);
    }
  }

  void run() {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) step();
    come_to_rest();
    if (!::testing::Test::HasFailure()) check();
  }

 private:
  struct Peer {
    Peer(std::string identifier, mqtt::ProtocolLevel level, std::size_t window_size)
        : client(std::move(identifier), level), window(window_size) {}

    SimulatedClient client;
    Window window;
    std::list<Link> links;  // the last one may be the client's; the others the server has not missed yet
    std::size_t wills_due = 0;

    Link* link() { return !links.empty() && links.back().has_client() ? &links.back() : nullptr; }
  };

  void make_group() {
    add_peer("three", mqtt::ProtocolLevel::mqtt_3_1_1);
    hub_.share();
    for (auto& peer : peers_) peer.client.subscribe("$share/group/h/utf8/+");
  }

  void add_peer(const char* identifier, mqtt::ProtocolLevel level) {
    std::size_t window = server_.limits.max_inflight;
    if (level == mqtt::ProtocolLevel::mqtt_5) {
      window = std::min<std::size_t>(window, SimulatedClient::receive_maximum);
    }
    peers_.emplace_back(identifier, level, window);
  }

  std::size_t any(std::size_t below) { return random_() % below; }
  bool one_in(std::size_t n) { return any(n) == 0; }

  void step() {
    Peer& peer = peers_[any(peers_.size())];
    Link* link = peer.link();
    switch (any(10)) {
      case 0:
        if (link == nullptr) connect(peer);
        break;
      case 1:
        if (peer.client.can_publish() && !is_fed_only(peer) && scenario_ != Scenario::shared) {
          const std::size_t nodes = scenario_ == Scenario::everything ? 2 : SimulatedHub::nodes;
          peer.client.publish("h/utf8/" + std::to_string(any(nodes)), static_cast<QoS>(any(3)));
        }
        break;
      case 2:
      case 3:
        for (auto& each : peer.links) each.carry_to_server(any(40), now_);
        break;
      case 4:
      case 5:
        if (link != nullptr) link->carry_to_client(any(120));
        break;
      case 6:
        hub_.answer_one();
        break;
      case 7:
        hub_.deliver_one();
        break;
      case 8:
        if (scenario_ == Scenario::one_way) break;  // what nobody waits for
        one_in(8) && scenario_ != Scenario::shared ? hub_.send_retained() : hub_.publish(now_);
        break;
      case 9:
        make_trouble(peer);
        break;
    }
    settle();
    if (scenario_ == Scenario::one_way) note_queue(peers_[0]);
  }

  bool is_fed_only(const Peer& peer) const { return scenario_ == Scenario::one_way && &peer == &peers_[0]; }

  void note_queue(Peer& peer) {
    const auto& at_hub = hub_.client(peer.client.identifier());
    const Session* session = at_hub.session ? server_.sessions.find(*at_hub.session) : nullptr;
    if (session == nullptr) return;
    if (session->record().outgoing.queued() > server_.limits.max_queued_messages_in_memory)
      ++troubles_.beyond_limits;
  }

  void make_trouble(Peer& peer) {
    Link* link = peer.link();
    // Too little for anybody to be found stuck.
    now_ += Time(any(scenario_ == Scenario::one_way ? 20 : 500));
    if (is_fed_only(peer)) return;
    switch (any(6)) {
      case 0:
        if (link != nullptr) {
          ++troubles_.lost;
          link->lose_client(any(100));
        }
        break;
      case 1:
        if (!peer.links.empty()) peer.links.front().lose_server();
        break;
      case 2:
        if (one_in(10) && scenario_ != Scenario::one_way)
          now_ += std::chrono::seconds(16);  // one and a half times keep-alive
        for (auto& each : peers_) {
          for (auto& its : each.links) {
            const bool was_there = its.has_server();
            its.expire(now_);
            if (was_there && !its.has_server()) ++troubles_.silent;
          }
        }
        break;
      case 3:
        if (peer.client.is_connected() && one_in(2)) {
          peer.client.disconnect();
          link->lose_client(any(200));
        }
        break;
      default:
        if (peer.client.is_connected()) peer.client.ping();
    }
  }

  void connect(Peer& peer) {
    if (!peer.links.empty() && peer.links.back().has_server()) ++troubles_.taken_over;
    peer.client.open("will");
    peer.links.emplace_back(server_, peer.client, peer.window, ++server_.last_connection, now_);
  }

  // Its session is known to the hub, and subscribed.
  void connect_before_others(Peer& peer) {
    connect(peer);
    peer.client.out += bytes_of(mqtt::Publish{.topic = "h/utf8/0", .payload = "here"}, peer.client.level());
    for (int i = 0; i < 10; ++i) {
      peer.links.back().carry_to_server(100, now_);
      settle();
      hub_.answer_one();
      hub_.deliver_one();
    }
  }

  // What the last step made the server say.
  void settle() {
    hub_.take_requests();
    for (auto& peer : peers_) {
      for (auto& link : peer.links) link.server_wrote();
      peer.links.remove_if([&](const Link& link) {
        if (link.has_client() || link.has_server()) return false;
        if (link.server_saw_connect() && !link.server_saw_disconnect()) ++peer.wills_due;
        if (link.server_saw_disconnect()) ++troubles_.disconnected;
        return true;
      });
    }
    hub_.take_requests();
  }

  // Without further trouble everything must end.
  void come_to_rest() {
    for (int turn = 0; turn < 3000 && !::testing::Test::HasFailure(); ++turn) {
      // What the hub has said last is on its way for one more turn.
      bool quiet = hub_.is_quiet();
      for (auto& peer : peers_) {
        if (peer.link() == nullptr) connect(peer);
        for (auto& link : peer.links) {
          if (!link.has_client()) link.lose_server();
          link.carry_to_server(40, now_);
          link.carry_to_client(1000);
          quiet = quiet && link.is_quiet();
        }
        quiet = quiet && peer.client.is_connected() && peer.client.is_finished();
      }
      hub_.answer_one();
      hub_.deliver_one();
      settle();
      if (quiet && hub_.is_quiet()) return;
    }
    if (!::testing::Test::HasFailure()) ADD_FAILURE() << "something never ends";
  }

  static std::vector<PublishedMessage> select(const std::vector<PublishedMessage>& messages,
                                              const std::string& topic, QoS qos, bool first_ones) {
    std::vector<PublishedMessage> selected;
    std::set<std::string> seen;
    for (const auto& message : messages) {
      if (message.topic != topic || message.qos != qos) continue;
      if (!seen.insert(message.payload).second && first_ones) continue;
      selected.push_back(message);
    }
    return selected;
  }

  static std::vector<std::string> payloads(const std::vector<PublishedMessage>& messages) {
    std::vector<std::string> result;
    result.reserve(messages.size());
    for (const auto& message : messages) result.push_back(message.payload);
    return result;
  }

  // What expired before it was sent is missing.
  void take_out_expired(std::vector<std::string>& expected, const std::vector<std::string>& found) {
    const std::set<std::string> arrived(found.begin(), found.end());
    troubles_.expired += std::erase_if(expected, [&](const std::string& payload) {
      const auto expiry = hub_.expiry(payload);
      return expiry && *expiry <= now_ && !arrived.contains(payload);
    });
  }

  // What was sent has arrived: at QoS 1 at least once, at QoS 2 exactly once, in order per topic and QoS.
  void compare(const std::vector<PublishedMessage>& sent, const std::vector<PublishedMessage>& arrived,
               bool in_order) {
    for (NodeId node = 0; node < SimulatedHub::nodes; ++node) {
      const std::string topic = "h/utf8/" + std::to_string(node);
      for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
        auto expected = payloads(select(sent, topic, qos, false));
        auto found = payloads(select(arrived, topic, qos, qos == QoS::at_least_once));
        if (payloads(select(arrived, topic, qos, false)).size() > found.size()) ++troubles_.sent_again;
        take_out_expired(expected, found);
        if (!in_order) {
          std::sort(expected.begin(), expected.end());
          std::sort(found.begin(), found.end());
        }
        EXPECT_EQ(found, expected) << topic << " at QoS " << static_cast<int>(qos);
      }
    }
  }

  // What was published to the group has arrived at one member: at QoS 1 at least once, at QoS 2 exactly once.
  void check_group() {
    std::map<std::string, std::set<std::string>> members;  // that have the message
    std::map<std::string, int> times;                      // that it has arrived
    for (const auto& peer : peers_) {
      for (const auto& message : peer.client.received()) {
        members[message.payload].insert(peer.client.identifier());
        ++times[message.payload];
      }
    }
    for (const auto& message : hub_.shared()) {
      if (message.qos == QoS::at_most_once) continue;
      const auto expiry = hub_.expiry(message.payload);
      if (members[message.payload].empty() && expiry && *expiry <= now_) {
        ++troubles_.expired;
        continue;
      }
      EXPECT_EQ(members[message.payload].size(), 1U) << message.payload;
      if (times[message.payload] > 1) {
        EXPECT_EQ(message.qos, QoS::at_least_once) << message.payload;
        ++troubles_.sent_again;
      }
    }
  }

  // What has not arrived was dropped and counted, and nothing else.
  void account_for_dropped(const std::vector<PublishedMessage>& sent,
                           const std::vector<PublishedMessage>& arrived, std::uint64_t dropped) {
    std::size_t missing = 0;
    for (NodeId node = 0; node < SimulatedHub::nodes; ++node) {
      const std::string topic = "h/utf8/" + std::to_string(node);
      for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
        auto expected = payloads(select(sent, topic, qos, false));
        const auto found = payloads(select(arrived, topic, qos, qos == QoS::at_least_once));
        take_out_expired(expected, found);
        auto place = expected.begin();
        for (const auto& payload : found) {
          place = std::find(place, expected.end(), payload);
          ASSERT_NE(place, expected.end()) << "reordered, or twice: " << topic << ' ' << payload;
          ++place;
        }
        missing += expected.size() - found.size();
      }
    }
    EXPECT_LE(missing, dropped);
    troubles_.dropped += missing;
  }

  void check() {
    EXPECT_EQ(server_.sessions.queued_bytes(), 0U);
    if (scenario_ == Scenario::shared) check_group();
    for (auto& peer : peers_) {
      SCOPED_TRACE(peer.client.identifier());
      auto& at_hub = hub_.client(peer.client.identifier());
      // What failed at the hub comes again behind what did not.
      compare(peer.client.published(), at_hub.published, !fails_);
      if (scenario_ == Scenario::everything || scenario_ == Scenario::one_way)
        compare(at_hub.sent, peer.client.received(), true);
      EXPECT_EQ(at_hub.wills, peer.wills_due);

      EXPECT_TRUE(peer.window.empty());
      ASSERT_TRUE(at_hub.session.has_value());
      const Session* session = server_.sessions.find(*at_hub.session);
      ASSERT_NE(session, nullptr);
      if (scenario_ == Scenario::to_each_other) {
        account_for_dropped(at_hub.sent, peer.client.received(), session->dropped());
      }
      EXPECT_EQ(session->record().outgoing.in_flight(), 0U);
      EXPECT_EQ(session->record().outgoing.queued(), 0U);
      EXPECT_EQ(session->record().outgoing.queued_retained(), 0U);
      EXPECT_TRUE(session->record().received.empty());
    }
  }

  std::minstd_rand random_;
  Scenario scenario_;
  bool fails_;
  Server server_;
  SimulatedHub hub_;
  Troubles& troubles_;
  Time now_{0};
  std::deque<Peer> peers_;
};

Troubles run_seeds(Scenario scenario) {
  unsigned first = 1;
  unsigned last = seeds;
  if (const char* seed = std::getenv("PUBSUB_MQTT_SIMULATION_SEED")) {
    first = last = static_cast<unsigned>(std::stoul(seed));
  }
  Troubles troubles;
  for (unsigned seed = first; seed <= last && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("PUBSUB_MQTT_SIMULATION_SEED=" + std::to_string(seed));
    Simulation(seed, scenario, troubles).run();
  }
  std::printf(
      "seeds %u to %u: %zu connections lost, %zu taken over, %zu silent, %zu disconnected; %zu topics with "
      "duplicates; %zu times beyond a queue's limits, %zu messages dropped, %zu expired\n",
      first, last, troubles.lost, troubles.taken_over, troubles.silent, troubles.disconnected,
      troubles.sent_again, troubles.beyond_limits, troubles.dropped, troubles.expired);
  return troubles;
}

void expect_enough(std::initializer_list<std::size_t> counts) {
  if (std::getenv("PUBSUB_MQTT_SIMULATION_SEED") != nullptr) return;
  for (const auto count : counts) EXPECT_GT(count, seeds / 10) << "the simulation has become harmless";
}

TEST(SimulationTest, NothingIsLostDoubledOrReorderedWhateverHappensToTheConnections) {
  const Troubles troubles = run_seeds(Scenario::everything);
  expect_enough({troubles.lost, troubles.taken_over, troubles.silent, troubles.disconnected,
                 troubles.sent_again, troubles.expired});
}

TEST(SimulationTest, WhoStaysAndAcknowledgesLosesNothingWhateverHappensToThePublishers) {
  const Troubles troubles = run_seeds(Scenario::one_way);
  expect_enough({troubles.lost, troubles.taken_over, troubles.disconnected, troubles.beyond_limits});
}

TEST(SimulationTest, ThoseThatFeedEachOtherAllComeToAnEndAndWhatWasDroppedIsCounted) {
  const Troubles troubles = run_seeds(Scenario::to_each_other);
  expect_enough({troubles.lost, troubles.taken_over, troubles.disconnected, troubles.dropped});
}

TEST(SimulationTest, EachMessageForAGroupReachesOneMemberWhateverHappensToTheConnections) {
  const Troubles troubles = run_seeds(Scenario::shared);
  expect_enough(
      {troubles.lost, troubles.taken_over, troubles.disconnected, troubles.sent_again, troubles.expired});
}

}  // namespace
}  // namespace pubsub_mqtt::session
