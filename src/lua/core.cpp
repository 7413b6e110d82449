#include "core.h"

#include <pugixml.hpp>

#include "protected_call.h"
#include "stanza.h"

namespace pubsub_mqtt::lua {
namespace {

// How long Prosody's loop waits for us at a time, and how long our descriptor may stay readable before timers
// get their turn (Prosody 0.12 runs none while any descriptor is).
constexpr std::chrono::microseconds slice{500};
constexpr std::chrono::milliseconds burst{20};

}  // namespace

Core::Core(const Settings& settings) : hub_(shim_, settings.hub), network_(settings.session, settings.net) {}

void Core::take_requests() {
  network_.take_requests(requests_);
  hub_.accept(requests_);
}

bool Core::step_until(Clock::time_point deadline) {
  working_ = true;
  bool idle = false;
  do {
    idle = !hub_.step();
  } while (!idle && Clock::now() < deadline);
  working_ = false;
  post();
  return idle;
}

bool Core::work(lua_State* L, bool from_timer) {
  bool more = false;
  {
    const Shim::Entered entered(shim_, L);
    more = work_slice(from_timer);
  }
  stop_if_asked(L);
  return more;
}

bool Core::work_slice(bool from_timer) {
  if (from_timer) {
    waiting_for_timer_ = false;
  } else if (waiting_for_timer_) {
    network_.set_requests_fd(false);  // the timer will see to it
    return false;
  }
  const auto now = Clock::now();
  if (!busy_ || from_timer) {
    busy_ = true;
    busy_since_ = now;
  }
  take_requests();
  if (step_until(now + slice)) {
    network_.set_requests_fd(false);
    take_requests();  // what was posted before the descriptor was drained
    if (step_until(Clock::now())) {
      busy_ = false;
      return false;
    }
  }
  if (Clock::now() - busy_since_ > burst) {
    network_.set_requests_fd(false);
    waiting_for_timer_ = true;
    return true;
  }
  network_.set_requests_fd(true);
  return false;
}

void Core::item_published(lua_State* L, std::string_view host, std::string_view node, std::string_view id,
                          int item) {
  {
    const Shim::Entered entered(shim_, L);
    if (shim_.is_being_published(L, item)) {
      hub_.own_item_published();
    } else if (hub_.wants_item(host, node, id)) {
      read_item(L, host, node, id, item);
    }
    post();
  }
  stop_if_asked(L);
}

void Core::read_item(lua_State* L, std::string_view host, std::string_view node, std::string_view id,
                     int item) {
  pugi::xml_document payload;
  bool read = false;
  // Then what was current before it is not any more, and is not retained.
  const auto is_lost = [&] { hub_.item_retracted(host, node, id); };
  auto body = [&](lua_State* state) {
    lua_getfield(state, 1, "tags");
    lua_geti(state, -1, 1);
    read = read_stanza(state, -1, payload);
    return 0;
  };
  lua_pushvalue(L, item);
  if (protected_call(L, 1, 0, body) != LUA_OK) {
    shim_.log(LogLevel::error, "an item cannot be read: " + pop_error(L));
    is_lost();
  } else if (read) {
    hub_.item_published(host, node, id, payload.document_element());
  } else {
    shim_.log(LogLevel::debug,
              "an item of " + std::string(node) + " cannot be written as XML: MQTT does not see it");
    is_lost();
  }
}

// During a slice deliveries are gathered: one batch, one wake-up.
void Core::post() {
  if (working_) return;
  hub_.take_deliveries(deliveries_);
  if (!deliveries_.empty()) network_.post(deliveries_);
}

void Core::stop(lua_State* L, std::chrono::milliseconds patience) {
  asked_to_stop_ = patience;
  stop_if_asked(L);
}

void Core::stop_if_asked(lua_State* L) {
  if (!asked_to_stop_ || shim_.is_entered()) return;
  const auto deadline = Clock::now() + *asked_to_stop_;
  asked_to_stop_.reset();
  {
    const Shim::Entered entered(shim_, L);
    network_.send_wills();
    take_requests();
    const bool done = step_until(deadline);
    network_.stop();
    take_requests();
    if (!step_until(deadline) || !done) {
      shim_.log(LogLevel::warn, "not everything that clients had sent could be published before the end");
    }
    shim_.stopped();
  }
  shim_.detach(L);
}

}  // namespace pubsub_mqtt::lua
