// What clients have asked for and wait for: each client's requests in the order in which they came, and the clients
// in turn. Prosody's thread only.
#pragma once

#include <deque>

#include "client.h"

namespace pubsub_mqtt::hub {

class Turns {
 public:
  void add(Client& client, Request&& request) {
    client.waiting.push_back(std::move(request));
    if (client.waiting.size() == 1) clients_.push_back(&client);
  }

  // The client whose turn it is; nullptr: nobody waits. It has no other turn before end() gives it one.
  Client* begin() {
    if (clients_.empty()) return nullptr;
    Client* client = clients_.front();
    clients_.pop_front();
    return client;
  }

  // The client has had its turn.
  void end(Client& client) {
    if (!client.waiting.empty()) clients_.push_back(&client);
  }

 private:
  std::deque<Client*> clients_;  // with requests, the next one in front
};

}  // namespace pubsub_mqtt::hub
