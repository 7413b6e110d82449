// What clients have asked for and wait for: each client's requests in the order in which they came, and the clients
// in turn. Who will have cost Prosody's thread less comes first (weighted fair queueing), so what is cheap does not
// wait for what is not, however many ask for that at the same time. Prosody's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <tuple>
#include <utility>

#include "client.h"
#include "expected_work.h"

namespace pubsub_mqtt::hub {

class Turns {
 public:
  void add(Client& client, Request&& request) {
    client.waiting.push_back(std::move(request));
    if (client.has_turn) return;
    // A client that asked for nothing meanwhile has saved nothing up.
    client.turn = std::max(client.turn, now_);
    queue(client, true);
  }

  // The client whose turn it is; nullptr: nobody waits. It has no other turn before end() gives it one.
  Client* begin() {
    if (places_.empty()) return nullptr;
    Client* client = places_.extract(places_.begin()).value().client;
    now_ = std::max(now_, client->turn);
    return client;
  }

  // The client has had its turn, and what it cost.
  void end(Client& client, std::size_t work) {
    client.turn += work;
    client.has_turn = false;
    if (!client.waiting.empty()) return queue(client, false);
    // Time goes on, each who waits has had a part of it: else those who keep coming with little to ask would always
    // be before the others.
    now_ += work / (places_.size() + 1);
  }

 private:
  struct Place {
    std::uint64_t end = 0;  // of the turn
    // Of those with the same end who has asked for little comes first, then who was first.
    bool has_more = false;
    std::uint64_t number = 0;
    Client* client = nullptr;

    bool operator<(const Place& other) const {
      return std::tie(end, has_more, number) < std::tie(other.end, other.has_more, other.number);
    }
  };

  void queue(Client& client, bool is_new) {
    client.has_turn = true;
    places_.insert({.end = client.turn + expected_work(client.waiting.front()),
                    .has_more = !is_new,
                    .number = ++last_number_,
                    .client = &client});
  }

  std::set<Place> places_;  // of clients with requests
  std::uint64_t now_ = 0;   // when the turn of a client begins that asks now
  std::uint64_t last_number_ = 0;
};

}  // namespace pubsub_mqtt::hub
