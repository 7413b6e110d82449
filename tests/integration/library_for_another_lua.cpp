// A library that needs a function of Lua 5.1, which Lua 5.4 does not have.
extern "C" {
void* lua_newuserdata(void* state, unsigned long size);
__attribute__((visibility("default"))) int luaopen_pubsub_mqtt(void* state) {
  lua_newuserdata(state, 1);
  return 1;
}
}
