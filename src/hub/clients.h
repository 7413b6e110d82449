// All clients that have asked for something, by their session and by a small number. Prosody's thread only.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "client.h"

namespace pubsub_mqtt::hub {

class Clients {
 public:
  // Where the session is unknown, a new one.
  Client& open(SessionId session) {
    const auto [place, is_new] = by_session_.try_emplace(session);
    Client& client = place->second;
    if (!is_new) return client;
    client.session = session;
    if (free_numbers_.empty()) {
      free_numbers_.push_back(static_cast<ClientNumber>(by_number_.size()));
      by_number_.push_back(nullptr);
    }
    client.number = free_numbers_.back();
    free_numbers_.pop_back();
    by_number_[client.number] = &client;
    return client;
  }
  Client& at(SessionId session) { return by_session_.at(session); }
  // Returns nullptr where the session is unknown.
  const Client* find(SessionId session) const {
    const auto found = by_session_.find(session);
    return found == by_session_.end() ? nullptr : &found->second;
  }
  // The client is a member of no node any more.
  void erase(const Client& client) {
    free_numbers_.push_back(client.number);
    by_number_[client.number] = nullptr;
    const SessionId session = client.session;  // outlives the client
    by_session_.erase(session);
  }

  const Client& numbered(ClientNumber number) const { return *by_number_[number]; }

  // Those that subscribe.
  template <typename Visit>
  void for_each_subscriber(Visit&& visit) {
    for (auto& [session, client] : by_session_) {
      if (client.subscriber != nullptr) visit(client);
    }
  }
  // Likewise.
  std::vector<const Client*> of_account(AccountNumber account) const {
    std::vector<const Client*> clients;
    for (const auto& [session, client] : by_session_) {
      if (client.account_number == account && client.subscriber != nullptr) clients.push_back(&client);
    }
    return clients;
  }

 private:
  std::unordered_map<SessionId, Client> by_session_;
  std::vector<const Client*> by_number_;
  std::vector<ClientNumber> free_numbers_;
};

}  // namespace pubsub_mqtt::hub
