#include "system_topics.h"

#include <map>
#include <string_view>
#include <utility>

namespace pubsub_mqtt::hub {

bool SystemTopics::may_read(const Client& client) const {
  return !client.account.empty() && shared_.service.is_administrator(client.account);
}

bool SystemTopics::subscribe(const Client& client) {
  subscribers_.insert(client.session);
  return may_read(client);
}

// An account is asked for once, however many sessions it has.
std::vector<SessionId> SystemTopics::readers() const {
  std::vector<SessionId> readers;
  std::map<std::string_view, bool> asked;
  for (const SessionId session : subscribers_) {
    const Client* client = clients_.find(session);
    if (client == nullptr) continue;
    const auto [account, is_new] = asked.try_emplace(client->account, true);
    if (is_new && !client->account.empty()) account->second = may_read(*client);
    if (account->second) readers.push_back(session);
  }
  return readers;
}

void SystemTopics::publish(std::vector<SystemPublished::Message> messages) {
  shared_.deliveries.emplace_back(SystemPublished{.messages = std::move(messages), .readers = readers()});
}

}  // namespace pubsub_mqtt::hub
