#include "logins.h"

#include <utility>

namespace pubsub_mqtt::hub {
namespace {

// Each waits for a client that waits for it; those whose clients have gone are not counted out.
constexpr std::size_t max_logins = 10000;

}  // namespace

void Logins::add(LoginRequest&& request) {
  if (waiting_.size() < max_logins) {
    waiting_.push_back(std::move(request));
  } else {
    shared_.deliveries.emplace_back(LoginReply{
        .connection = request.connection, .reason = mqtt::Reason::server_unavailable, .account = {}});
  }
}

bool Logins::step() {
  if (waiting_.empty()) return false;
  const LoginRequest request = std::move(waiting_.front());
  waiting_.pop_front();
  shared_.service.log_in(request);
  return true;
}

}  // namespace pubsub_mqtt::hub
