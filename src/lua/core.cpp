#include "core.h"

#include <algorithm>
#include <utility>

#include "protected_call.h"
#include "stanza.h"

namespace pubsub_mqtt::lua {

Core::Core(const Limits& limits) : hub_(callbacks_, limits), network_(limits) {}

bool Core::start(lua_State* L, std::optional<store::Settings> settings) {
  const Callbacks::Entered entered(callbacks_, L);
  auto contents = settings ? open_store(*settings) : std::nullopt;
  // Where sessions are not kept, items may be.
  storage_ = process_ != nullptr ? process_ : process_store_with_items();
  // Before the network thread, which posts, and after it again, when there is somebody to be told.
  if (storage_ != nullptr && !storage_->store.start(nullptr)) return false;
  callbacks_.store_is_open();
  if (!start_network(std::move(contents))) return false;
  take();
  finish_until(WorkSlices::Clock::time_point::max());
  return true;
}

bool Core::start_network(std::optional<store::Contents>&& contents) {
  if (storage_ == nullptr) return network_.start();
  if (!network_.start(net::Storage{.store = storage_->store, .items = storage_->items}, std::move(contents)))
    return false;
  storage_->store.start([this] { network_.wake(); });
  network_.wake();
  return true;
}

std::optional<store::Contents> Core::open_store(const store::Settings& settings) {
  process_ = &process_store(settings, store::Access::alone);
  process_->retained.close();
  auto contents = process_->store.open();
  log_of_store();
  if (!contents) process_ = nullptr;
  callbacks_.set_store(process_);
  return contents;
}

bool Core::is_all_committed() const { return process_ == nullptr || process_->items.is_all_committed(); }

void Core::log_of_store() {
  std::vector<LogLine> lines;
  process_->store.take_log(lines);
  for (const auto& line : lines) callbacks_.log(line.level, line.text);
}

// The store may still run, and the network thread is the first to go.
Core::~Core() {
  if (storage_ != nullptr) storage_->store.stop_notifying();
}

void Core::take() {
  network_.take_log(log_);
  log_queue_.accept(log_);
  network_.take_requests(requests_);
  hub_.accept(requests_);
}

// A wildcard of many clients gives the network thread more to do than it costs here.
bool Core::step_until(WorkSlices::Clock::time_point deadline) {
  return !network_.is_behind() && finish_until(deadline);
}

bool Core::finish_until(WorkSlices::Clock::time_point deadline) {
  working_ = true;
  bool idle = false;
  do {
    hub_.set_time(lua::now());
    const bool logged = log_queue_.write_some(callbacks_);
    idle = !hub_.step() && !logged;
  } while (!idle && now() < deadline);
  working_ = false;
  post();
  return idle;
}

bool Core::work(lua_State* L, bool from_timer) {
  bool more = false;
  {
    const Callbacks::Entered entered(callbacks_, L);
    more = slices_.run(*this, from_timer);
  }
  stop_if_asked(L);
  return more;
}

void Core::item_published(lua_State* L, std::string_view host, std::string_view node, std::string_view id,
                          int item, std::string_view publisher) {
  {
    const Callbacks::Entered entered(callbacks_, L);
    hub_.set_time(lua::now());
    if (callbacks_.is_being_published(L, item)) {
      hub_.own_item_published();
    } else if (hub_.wants_item(host, node, id)) {
      read_item(L, host, node, id, item, publisher);
    }
    post();
  }
  stop_if_asked(L);
}

void Core::read_item(lua_State* L, std::string_view host, std::string_view node, std::string_view id,
                     int item, std::string_view publisher) {
  pugi::xml_document payload;
  if (read_payload(L, node, item, payload)) {
    hub_.item_published(host, node, id, payload.document_element(), publisher);
  } else {
    // What was current before it is not any more, and is not retained.
    hub_.item_retracted(host, node, id);
  }
}

void Core::restore_current(lua_State* L, std::string_view host, std::string_view node, int item,
                           std::string_view publisher) {
  {
    const Callbacks::Entered entered(callbacks_, L);
    hub_.set_time(lua::now());
    pugi::xml_document payload;
    if (read_payload(L, node, item, payload)) {
      hub_.restore_current(host, node, payload.document_element(), publisher);
    }
    post();
  }
  stop_if_asked(L);
}

// Returns false where MQTT does not see the item, which the log says.
bool Core::read_payload(lua_State* L, std::string_view node, int item, pugi::xml_document& into) {
  bool read = false;
  auto body = [&](lua_State* state) {
    lua_getfield(state, 1, "tags");
    lua_geti(state, -1, 1);
    read = read_stanza(state, -1, into);
    return 0;
  };
  lua_pushvalue(L, item);
  if (protected_call(L, 1, 0, body) != LUA_OK) {
    callbacks_.log(LogLevel::error, "an item cannot be read: " + pop_error(L));
    return false;
  }
  if (!read) {
    callbacks_.log(LogLevel::debug,
                   "an item of " + std::string(node) + " cannot be written as XML: MQTT does not see it");
  }
  return read;
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

// A commit or two, however long pubsub took.
void Core::stop_store(WorkSlices::Clock::time_point deadline) {
  constexpr std::chrono::milliseconds at_least{250};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now());
  process_->store.stop(std::max(left, at_least));
  log_of_store();
}

void Core::stop_if_asked(lua_State* L) {
  if (!asked_to_stop_ || callbacks_.is_entered()) return;
  const auto deadline = now() + *asked_to_stop_;
  asked_to_stop_.reset();
  {
    const Callbacks::Entered entered(callbacks_, L);
    network_.send_wills();
    take();
    const bool done = finish_until(deadline);
    if (storage_ != nullptr) storage_->store.stop_notifying();
    network_.stop();
    take();
    if (!finish_until(deadline) || !done) {
      callbacks_.log(LogLevel::warn,
                     "not everything that clients had sent could be published before the end");
    }
    if (process_ != nullptr && !process_->store.holds_items()) stop_store(deadline);
    callbacks_.stopped();
  }
  callbacks_.detach(L);
}

}  // namespace pubsub_mqtt::lua
