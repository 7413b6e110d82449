// Who clients are, and the administrator's view of them.
#include <utility>

#include "client.h"
#include "nodes.h"

namespace pubsub_mqtt::hub {
namespace {

// Each waits for a client that waits for it; those whose clients have gone are not counted out.
constexpr std::size_t max_logins = 10000;

}  // namespace

void Hub::queue(LoginRequest&& request) {
  if (logins_.size() < max_logins) {
    logins_.push_back(std::move(request));
  } else {
    logged_in({.connection = request.connection, .reason = mqtt::Reason::server_unavailable, .account = {}});
  }
}

// One a step: a password costs milliseconds.
bool Hub::log_in_one() {
  if (logins_.empty()) return false;
  const LoginRequest request = std::move(logins_.front());
  logins_.pop_front();
  service_.log_in(request);
  return true;
}

void Hub::logged_in(LoginReply reply) { deliveries_.emplace_back(std::move(reply)); }

void Hub::close_account(std::string_view account, bool was_deleted) {
  account_changed(account);
  deliveries_.emplace_back(CloseAccount{.account = std::string(account), .was_deleted = was_deleted});
}

void Hub::close_accounts_of(std::string_view host) {
  withdraw_all_routes();
  deliveries_.emplace_back(CloseHost{.host = std::string(host)});
}

std::size_t Hub::subscriptions(SessionId session) const {
  const auto client = clients_.find(session);
  if (client == clients_.end() || client->second.subscriber == nullptr) return 0;
  return client->second.subscriber->filters.size() + client->second.subscriber->patterns.size();
}

void Hub::close_connection(SessionId session) {
  deliveries_.emplace_back(CloseConnection{.session = session});
}

}  // namespace pubsub_mqtt::hub
