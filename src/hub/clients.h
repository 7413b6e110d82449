// All clients that have asked for something, by their session. Prosody's thread only.
#pragma once

#include <unordered_map>

#include "client.h"

namespace pubsub_mqtt::hub {

class Clients {
 public:
  // Where the session is unknown, a new one.
  Client& open(SessionId session) {
    Client& client = by_session_[session];
    client.session = session;
    return client;
  }
  Client& at(SessionId session) { return by_session_.at(session); }
  // Returns nullptr where the session is unknown.
  const Client* find(SessionId session) const {
    const auto found = by_session_.find(session);
    return found == by_session_.end() ? nullptr : &found->second;
  }
  void erase(SessionId session) { by_session_.erase(session); }

  std::vector<SessionId> of_account(AccountNumber account) const {
    std::vector<SessionId> sessions;
    for (const auto& [session, client] : by_session_) {
      if (client.account_number == account) sessions.push_back(session);
    }
    return sessions;
  }

 private:
  std::unordered_map<SessionId, Client> by_session_;
};

}  // namespace pubsub_mqtt::hub
