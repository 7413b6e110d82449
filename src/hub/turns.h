// What clients have asked for and wait for: each client's requests in the order in which they came, and the clients
// in turn. The parties to which they belong have their turns first (an account's clients are one party), and in each
// party its clients: who opens a thousand sessions has no more than who has one. Prosody's thread only.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "client.h"
#include "expected_work.h"
#include "fair_queue.h"

namespace pubsub_mqtt::hub {

struct Party {
  Turn turn = {};
  FairQueue<Client> clients = {};     // that wait
  std::size_t members = 0;            // clients that are known, whether they wait or not
  const std::string* name = nullptr;  // nullptr: a client that is a party by itself, while it waits
  bool has_turn = false;              // it waits for one, or it is its turn
};

class Turns {
 public:
  // Whose the client is: an account's, or an address's. Empty: it is a party by itself. While the client waits, this
  // changes nothing.
  void enter(Client& client, std::string_view party) {
    if (client.has_turn) return;
    leave(client);
    if (party.empty()) return;
    const auto place = named_.try_emplace(std::string(party)).first;
    client.party = &place->second;
    client.party->name = &place->first;
    ++client.party->members;
  }

  // The client, which asks for nothing, will be forgotten.
  void leave(Client& client) {
    Party* party = std::exchange(client.party, nullptr);
    if (party != nullptr && --party->members == 0) named_.erase(named_.find(*party->name));
  }

  void add(Client& client, Request&& request) {
    client.waiting.push_back(std::move(request));
    if (client.has_turn) return;
    if (client.party == nullptr) be_alone(client);
    client.has_turn = true;
    Party& party = *client.party;
    party.clients.join(client, expected_work(client.waiting.front()));
    const std::size_t work = expected_work(party);
    if (std::exchange(party.has_turn, true)) {
      queue_.change(party, work);
    } else {
      queue_.join(party, work);
    }
  }

  // The client whose turn it is; nullptr: nobody waits. Nothing is added before end() has given it another turn.
  Client* begin() { return queue_.empty() ? nullptr : &queue_.take().clients.take(); }

  // The client has had its turn, and what it cost.
  void end(Client& client, std::size_t cost) {
    Party& party = *client.party;
    client.has_turn = !client.waiting.empty();
    if (client.has_turn) {
      party.clients.go_on(client, cost, expected_work(client.waiting.front()));
    } else {
      party.clients.leave(client, cost);
    }
    party.has_turn = !party.clients.empty();
    if (party.has_turn) {
      queue_.go_on(party, cost, expected_work(party));
    } else {
      queue_.leave(party, cost);
      if (party.name == nullptr) be_alone_no_more(client);
    }
  }

 private:
  static std::size_t expected_work(const Request& request) { return hub::expected_work(request); }
  static std::size_t expected_work(const Party& party) {
    return expected_work(party.clients.first().waiting.front());
  }

  // What its turns have cost is the client's to remember.
  void be_alone(Client& client) {
    client.party = &alone_[client.session];
    client.party->turn = client.turn;
  }
  void be_alone_no_more(Client& client) {
    client.turn = client.party->turn;
    client.party = nullptr;
    alone_.erase(client.session);
  }

  // No hash table: who chooses the account would choose its place in it.
  std::map<std::string, Party, std::less<>> named_;
  std::unordered_map<SessionId, Party> alone_;
  FairQueue<Party> queue_;
};

}  // namespace pubsub_mqtt::hub
