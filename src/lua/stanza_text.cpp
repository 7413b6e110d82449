#include "stanza_text.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "entry.h"
#include "protected_call.h"
#include "pubsub_mqtt/payload/xml_text.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

class StanzaWriter {
 public:
  StanzaWriter(lua_State* state, const StanzaKeys& keys, std::string& into)
      : L(state), keys_(keys), into_(into) {}

  // The element on top of the stack, which stays there. `parent_namespace`: of the element around it. Returns false for
  // what is none, or no XML.
  bool write_element(std::string_view parent_namespace, std::size_t depth) {
    if (depth >= payload::max_xml_depth || lua_checkstack(L, 10) == 0) return false;
    const int element = lua_gettop(L);
    if (get_field(element, keys_.name) != LUA_TSTRING) return false;
    if (get_field(element, keys_.attr) != LUA_TTABLE) return false;
    const std::string_view name = text_at(L, element + 1);
    into_ += '<';
    into_ += name;
    std::string_view own_namespace = parent_namespace;
    if (!write_attributes(parent_namespace, own_namespace)) return false;
    const auto children = static_cast<lua_Integer>(lua_rawlen(L, element));
    into_ += children == 0 ? "/>" : ">";
    for (lua_Integer i = 1; i <= children; ++i) {
      lua_rawgeti(L, element, i);
      if (!write_child(own_namespace, depth)) return false;
      lua_pop(L, 1);
    }
    if (children > 0) {
      into_ += "</";
      into_ += name;
      into_ += '>';
    }
    lua_settop(L, element);
    return true;
  }

 private:
  int get_field(int element, int key) {
    lua_pushvalue(L, key);
    return lua_rawget(L, element);
  }

  // Of the table on top of the stack.
  bool write_attributes(std::string_view parent_namespace, std::string_view& own_namespace) {
    int prefixes = 0;
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
      if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING) return false;
      const std::string_view key = text_at(L, -2);
      const std::string_view value = text_at(L, -1);
      if (!payload::is_xml_text(value)) return false;
      if (key == "xmlns") {
        own_namespace = value;
        if (value == parent_namespace) continue;
      }
      write_attribute(key, value, prefixes);
    }
    return true;
  }

  // A key "namespace\1name" is of another namespace than its element.
  void write_attribute(std::string_view key, std::string_view value, int& prefixes) {
    const std::size_t separator = key.find('\1');
    if (separator == std::string_view::npos) return write_attribute("", key, value);
    const std::string prefix = "ns" + std::to_string(++prefixes);
    write_attribute("xmlns:", prefix, key.substr(0, separator));
    write_attribute(prefix + ':', key.substr(separator + 1), value);
  }

  void write_attribute(std::string_view prefix, std::string_view name, std::string_view value) {
    into_ += ' ';
    into_ += prefix;
    into_ += name;
    into_ += "='";
    payload::append_escaped(value, true, into_);
    into_ += '\'';
  }

  bool write_child(std::string_view own_namespace, std::size_t depth) {
    if (lua_istable(L, -1)) return write_element(own_namespace, depth + 1);
    if (lua_type(L, -1) != LUA_TSTRING || !payload::is_xml_text(text_at(L, -1))) return false;
    payload::append_escaped(text_at(L, -1), false, into_);
    return true;
  }

  lua_State* L;
  const StanzaKeys& keys_;
  std::string& into_;
};

int stanza_text(lua_State* L) {
  std::string text;
  const StanzaKeys keys{.name = lua_upvalueindex(1), .attr = lua_upvalueindex(2)};
  if (!write_stanza(L, 1, keys, text)) return 0;
  return checked_push(L, 1, [&](lua_State* state) { push_text(state, text); });
}

}  // namespace

bool write_stanza(lua_State* L, int index, const StanzaKeys& keys, std::string& into) {
  const int top = lua_gettop(L);
  lua_pushvalue(L, index);
  const bool is_written = lua_istable(L, -1) && StanzaWriter(L, keys, into).write_element({}, 0);
  lua_settop(L, top);
  return is_written;
}

void push_stanza_text(lua_State* L) {
  lua_pushliteral(L, "name");
  lua_pushliteral(L, "attr");
  lua_pushcclosure(L, entry<stanza_text>, 2);
}

}  // namespace pubsub_mqtt::lua
