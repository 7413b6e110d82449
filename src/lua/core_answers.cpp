#include "core_answers.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <pugixml.hpp>
#include <string>

#include "core_handle.h"
#include "protected_call.h"
#include "pubsub_mqtt/payload/binary.h"
#include "pubsub_mqtt/payload/translate.h"
#include "stanza.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

// False: MQTT does not see the element.
bool read_element(lua_State* L, int index, pugi::xml_document& into) {
  bool is_read = false;
  lua_pushvalue(L, index);
  checked_call(L, 1, 0, [&](lua_State* inner) {
    is_read = read_stanza(inner, 1, into);
    return 0;
  });
  return is_read;
}

}  // namespace

int push_names(lua_State* L, NamesMethod method) {
  Core& core = check_core(L);
  const auto host = check_text(L, 2);
  const auto after = check_text(L, 3);
  const auto most = static_cast<std::size_t>(std::max<lua_Integer>(luaL_checkinteger(L, 4), 0));
  hub::Hub::NamesPage piece;
  core.tell_hub(L, [&](hub::Hub& hub) { piece = (hub.*method)(host, after, most); });
  return checked_push(L, 2, [&](lua_State* inner) {
    push_texts(inner, piece.names);
    if (piece.next) {
      push_text(inner, *piece.next);
    } else {
      lua_pushnil(inner);
    }
  });
}

int sees_node(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_text(L, 2);
  const auto node = check_text(L, 3);
  bool is_seen = false;
  core.tell_hub(L, [&](hub::Hub& hub) { is_seen = hub.sees_node(host, node); });
  lua_pushboolean(L, is_seen ? 1 : 0);
  return 1;
}

int item_payload(lua_State* L) {
  check_core(L);
  const auto wanted = topic::type_from_name(check_text(L, 3));
  pugi::xml_document element;
  if (!wanted || !read_element(L, 2, element)) return 0;
  auto natural = payload::natural_payload(element.document_element());
  const auto type = topic::concrete(*wanted, natural.type);
  const auto bytes = type == natural.type && natural.payload
                         ? std::move(natural.payload)
                         : payload::to_mqtt(type, element.document_element());
  if (!bytes) return 0;
  return checked_push(L, 3, [&](lua_State* inner) {
    push_text(inner, topic::name(type));
    push_text(inner, *bytes);
    if (type == topic::Type::binary) {
      push_text(inner, payload::media_type_of(element.document_element()));
    } else {
      lua_pushnil(inner);
    }
  });
}

int retained_payload(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_text(L, 2);
  const auto node = check_text(L, 3);
  const auto type = topic::type_from_name(check_text(L, 4));
  std::optional<std::string> payload;
  if (type) core.tell_hub(L, [&](hub::Hub& hub) { payload = hub.retained_payload(host, node, *type); });
  if (!payload) return 0;
  return checked_push(L, 1, [&](lua_State* inner) { push_text(inner, *payload); });
}

}  // namespace pubsub_mqtt::lua
