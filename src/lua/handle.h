// What Lua has of a store of Prosody's, see storage.h. Prosody's thread only.
#pragma once

#include <cstdint>
#include <string_view>

#include "pubsub_mqtt/store/items.h"

namespace pubsub_mqtt::lua {

constexpr const char* handle_type = "pubsub_mqtt.store_handle";

// A store of Prosody's, as opened: for all users, of whom the last one's number is known.
struct Handle {
  store::Items* items = nullptr;
  store::StoreName name;
  store::RowNumber number = 0;
  std::uint64_t drops = 0;  // when the number was found

  // Asks each time: another process may have dropped the store and made another one, as `prosodyctl deluser` and `adduser`.
  store::RowNumber find(std::string_view user) {
    number = 0;  // where it cannot be read
    name.user = user;
    number = items->find_store(name);
    drops = items->drops();
    return number;
  }
  store::RowNumber find_or_make(std::string_view user) { return or_make(find(user)); }
  // The same for what is done with each item: as it was, unless something is known against that.
  store::RowNumber find_again(std::string_view user) {
    const bool is_known = number != 0 && drops == items->drops() && name.user == user;
    return is_known ? number : find(user);
  }
  store::RowNumber find_again_or_make(std::string_view user) { return or_make(find_again(user)); }
  store::Item find_item(std::string_view user, std::string_view key) {
    const store::RowNumber store = find(user);
    return store == 0 ? nullptr : items->find(store, key);
  }

 private:
  store::RowNumber or_make(store::RowNumber found) {
    return found != 0 ? found : number = items->find_or_make_store(name);
  }
};

}  // namespace pubsub_mqtt::lua
