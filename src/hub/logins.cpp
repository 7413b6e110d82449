#include "logins.h"

#include <utility>

namespace pubsub_mqtt::hub {
namespace {

// Each waits for a client that waits for it; those whose clients have gone are not counted out.
constexpr std::size_t max_logins = 10000;

struct Ask {
  PubsubService& service;

  void operator()(const LoginRequest& request) const { service.log_in(request); }
  void operator()(const AuthRequest& request) const { service.authenticate(request); }
  void operator()(const AuthResponse& response) const { service.authenticate(response); }
  void operator()(const EndAuth& end) const { service.end_authentication(end.connection); }
};

}  // namespace

bool Logins::is_full() const { return waiting_.size() >= max_logins; }

void Logins::add(LoginRequest&& request) {
  if (!is_full()) {
    waiting_.emplace_back(std::move(request));
  } else {
    shared_.deliveries.emplace_back(LoginReply{
        .connection = request.client.connection, .reason = mqtt::Reason::server_unavailable, .account = {}});
  }
}

void Logins::add(AuthRequest&& request) {
  if (!is_full()) {
    waiting_.emplace_back(std::move(request));
  } else {
    shared_.deliveries.emplace_back(
        AuthReply{.connection = request.client.connection, .reason = mqtt::Reason::server_unavailable});
  }
}

// Of clients whose exchange was let in: there are no more of them than connections.
void Logins::add(AuthResponse&& response) { waiting_.emplace_back(std::move(response)); }
void Logins::add(const EndAuth& end) { waiting_.emplace_back(end); }

bool Logins::step() {
  if (waiting_.empty()) return false;
  const Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  std::visit(Ask{shared_.service}, next);
  return true;
}

}  // namespace pubsub_mqtt::hub
