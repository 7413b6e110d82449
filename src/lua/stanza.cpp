#include "stanza.h"

#include <cstdio>
#include <cstring>
#include <string_view>

#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::lua {
namespace {

// Far more than any item needs: Prosody's own limit for a whole stanza is a quarter of it.
constexpr std::size_t max_namespace_bytes = 1UL * 1024 * 1024;

bool starts_with(const char* text, std::string_view prefix) {
  return std::strncmp(text, prefix.data(), prefix.size()) == 0;
}

// Pushes Prosody's key for an attribute: "namespace\1name" for `prefix:name`, else its name. A prefix is
// declared just before it is used (payload/translate.h): looked for from there, or thousands of attributes
// would take seconds.
void push_attribute_key(lua_State* L, const pugi::xml_attribute& attribute) {
  const char* name = attribute.name();
  const char* colon = std::strchr(name, ':');
  if (colon == nullptr || starts_with(name, "xml:")) {
    lua_pushstring(L, name);
    return;
  }
  for (auto declaration = attribute.previous_attribute(); declaration;
       declaration = declaration.previous_attribute()) {
    const char* declared = declaration.name();
    if (!starts_with(declared, "xmlns:")) continue;
    declared += std::strlen("xmlns:");
    if (std::strlen(declared) == static_cast<std::size_t>(colon - name) && starts_with(name, declared)) {
      lua_pushfstring(L, "%s\1%s", declaration.value(), colon + 1);
      return;
    }
  }
  lua_pushstring(L, name);
}

void push_attributes(lua_State* L, const pugi::xml_node& element) {
  lua_newtable(L);
  for (const pugi::xml_attribute& attribute : element.attributes()) {
    if (starts_with(attribute.name(), "xmlns:")) continue;
    push_attribute_key(L, attribute);
    lua_pushstring(L, attribute.value());
    lua_rawset(L, -3);
  }
}

// The string at the top of the stack, if it is one that XML can carry. The view is good while the string is.
bool is_text(lua_State* L) {
  if (lua_type(L, -1) != LUA_TSTRING) return false;
  std::size_t size = 0;
  const char* text = lua_tolstring(L, -1, &size);
  return payload::is_xml_text({text, size});
}

// Reads a stanza table into a tree. Every element of the tree names its namespace, which the stanza need not
// repeat: a long one on many small elements would grow without bound, so its bytes are counted.
class StanzaReader {
 public:
  explicit StanzaReader(lua_State* state) : L(state) {}

  bool read_element(int index, pugi::xml_node parent, std::size_t depth) {
    if (depth >= payload::max_xml_depth) return false;
    luaL_checkstack(L, 10, nullptr);
    lua_getfield(L, index, "name");
    if (!is_text(L)) return false;
    pugi::xml_node element = parent.append_child(lua_tostring(L, -1));
    lua_getfield(L, index, "attr");
    if (!lua_istable(L, -1) || !read_namespace(element) || !read_attributes(element)) return false;
    lua_pop(L, 2);
    const lua_Integer children = luaL_len(L, index);
    for (lua_Integer i = 1; i <= children; ++i) {
      lua_geti(L, index, i);
      if (!read_child(element, depth)) return false;
      lua_pop(L, 1);
    }
    return true;
  }

 private:
  // The attr table is at the top of the stack, here and in read_attributes().
  bool read_namespace(pugi::xml_node element) {
    lua_getfield(L, -1, "xmlns");
    if (!lua_isnil(L, -1) && !is_text(L)) return false;
    // One without inherits it.
    const char* xmlns = lua_isnil(L, -1) ? element.parent().attribute("xmlns").value() : lua_tostring(L, -1);
    const std::size_t size = std::strlen(xmlns);
    if (size > namespace_bytes_left_) return false;
    namespace_bytes_left_ -= size;
    element.append_attribute("xmlns").set_value(xmlns);
    lua_pop(L, 1);
    return true;
  }

  bool read_attributes(pugi::xml_node element) {
    int prefixes = 0;
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
      if (lua_type(L, -2) != LUA_TSTRING || !is_text(L)) return false;
      const char* key = lua_tostring(L, -2);
      if (std::strcmp(key, "xmlns") != 0) read_attribute(element, key, lua_tostring(L, -1), prefixes);
    }
    return true;
  }

  void read_attribute(pugi::xml_node element, const char* key, const char* value, int& prefixes) {
    const char* separator = std::strchr(key, '\1');
    if (separator == nullptr) {
      element.append_attribute(key).set_value(value);
      return;
    }
    char prefix[16];
    std::snprintf(prefix, sizeof prefix, "ns%d", ++prefixes);
    lua_pushfstring(L, "xmlns:%s", prefix);
    lua_pushlstring(L, key, static_cast<std::size_t>(separator - key));
    element.append_attribute(lua_tostring(L, -2)).set_value(lua_tostring(L, -1));
    lua_pushfstring(L, "%s:%s", prefix, separator + 1);
    element.append_attribute(lua_tostring(L, -1)).set_value(value);
    lua_pop(L, 3);
  }

  bool read_child(pugi::xml_node element, std::size_t depth) {
    if (lua_istable(L, -1)) return read_element(lua_gettop(L), element, depth + 1);
    if (!is_text(L)) return false;
    return element.append_child(pugi::node_pcdata).set_value(lua_tostring(L, -1));
  }

  lua_State* L;
  std::size_t namespace_bytes_left_ = max_namespace_bytes;
};

}  // namespace

void push_stanza(lua_State* L, const pugi::xml_node& element, int metatable) {
  luaL_checkstack(L, 10, nullptr);
  lua_createtable(L, 1, 3);
  lua_pushstring(L, element.name());
  lua_setfield(L, -2, "name");
  push_attributes(L, element);
  lua_setfield(L, -2, "attr");
  lua_newtable(L);  // tags
  lua_Integer children = 0;
  lua_Integer tags = 0;
  for (const pugi::xml_node& child : element.children()) {
    if (child.type() == pugi::node_element) {
      push_stanza(L, child, metatable);
      lua_pushvalue(L, -1);
      lua_rawseti(L, -3, ++tags);
    } else {
      lua_pushstring(L, child.value());
    }
    lua_rawseti(L, -3, ++children);
  }
  lua_setfield(L, -2, "tags");
  lua_pushvalue(L, metatable);
  lua_setmetatable(L, -2);
}

bool read_stanza(lua_State* L, int index, const pugi::xml_node& parent) {
  index = lua_absindex(L, index);
  const int top = lua_gettop(L);
  const bool read = lua_istable(L, index) && StanzaReader(L).read_element(index, parent, 0);
  lua_settop(L, top);
  return read;
}

}  // namespace pubsub_mqtt::lua
