// All sessions, by identifier and by client. Network thread only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pubsub_mqtt/boundary/ticket.h"
#include "record/session_key.h"

namespace pubsub_mqtt::session {

class Session;
struct SessionRecord;
struct Shared;

class SessionTable {
 public:
  SessionTable();
  ~SessionTable();
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // A new session with this record; there is none with its key. Where memory runs out, nothing has changed.
  // `shared` outlives the session.
  Session& create(SessionRecord&& record, Shared& shared);
  void erase(Session& session) noexcept;
  // For how long the session outlives its connection from now on.
  void set_expiry(Session& session, std::chrono::duration<std::uint32_t> expiry);
  // At the end: sessions refer to what may go before the table.
  void clear() noexcept;

  // Returns nullptr where the session is over.
  Session* find(SessionId id) const {
    const std::size_t place = id & slot_mask;
    if (place >= slots_.size() || slots_[place].uses != id >> slot_bits) return nullptr;
    return slots_[place].session.get();
  }
  Session* find(const SessionKey& key) const;

  std::size_t size() const { return slots_.size() - free_slots_.size(); }

  // How the administrator calls the session: how many there had been when it began, itself included.
  std::uint32_t number(const Session& session) const;

  // Sessions of the account that outlive their connection.
  std::size_t stored(const std::string& account) const;

  // `visit` may erase the session that it is given, and no other.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const auto& slot : slots_) {
      if (slot.session != nullptr) visit(*slot.session);
    }
  }

  // A part of them: those in so many places, from the place `from` on, each with its number. Returns the place where
  // the next part begins; 0: there is none.
  template <typename Visit>
  std::size_t for_each_from(std::size_t from, std::size_t places, Visit&& visit) const {
    const std::size_t end = std::min(from + places, slots_.size());
    for (std::size_t place = from; place < end; ++place) {
      const Slot& slot = slots_[place];
      if (slot.session != nullptr) visit(std::as_const(*slot.session), slot.number);
    }
    return end < slots_.size() ? end : 0;
  }

 private:
  // The place of a session in slots_ is the low half of its identifier, how often the place was used the high
  // half: found without a search, and never mistaken for its successor.
  static constexpr SessionId slot_mask = 0xFFFFFFFF;
  static constexpr unsigned slot_bits = 32;
  struct Slot {
    std::uint32_t uses = 0;
    std::uint32_t number = 0;  // of the session
    std::unique_ptr<Session> session;
  };
  struct KeyOrder {
    using is_transparent = void;
    bool operator()(const Session* a, const Session* b) const;
    bool operator()(const SessionKey& a, const Session* b) const;
    bool operator()(const Session* a, const SessionKey& b) const;
  };

  void count_stored(const std::string& account) { ++stored_[account]; }
  void uncount_stored(const std::string& account) noexcept;

  std::vector<Slot> slots_;
  std::uint32_t last_number_ = 0;
  std::vector<std::uint32_t> free_slots_;  // room for all of slots_, so that a session can always end
  // Those with a client identifier. No hash table: whoever chooses the identifier would choose its place.
  std::set<Session*, KeyOrder> by_key_;
  std::map<std::string, std::size_t> stored_;  // by account
};

}  // namespace pubsub_mqtt::session
