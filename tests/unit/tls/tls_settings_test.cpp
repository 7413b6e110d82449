#include "lua/tls_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "certificates.h"

namespace pubsub_mqtt::tests {
namespace {

using net::TlsSettings;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using LuaState = std::unique_ptr<lua_State, decltype(&lua_close)>;

class TlsSettingsTest : public testing::Test {
 protected:
  void SetUp() override { luaL_openlibs(L); }

  // Reads what the Lua expression yields.
  std::variant<TlsSettings, std::string> read(const std::string& expression) {
    if (luaL_dostring(L, ("return " + expression).c_str()) != LUA_OK) ADD_FAILURE() << lua_tostring(L, -1);
    auto result = lua::read_tls_settings(L, -1);
    EXPECT_EQ(lua_gettop(L), 1);
    lua_settop(L, 0);
    return result;
  }

  TlsSettings settings(const std::string& expression) {
    auto result = read(expression);
    if (const auto* error = std::get_if<std::string>(&result)) ADD_FAILURE() << *error;
    return std::get<TlsSettings>(std::move(result));
  }

  std::string error(const std::string& expression) {
    const auto result = read(expression);
    const auto* text = std::get_if<std::string>(&result);
    return text != nullptr ? *text : "read";
  }

  std::string encrypted_key() const { return folder.write("encrypted.key", pem(make_ec_key(), "secret")); }
  std::string plain_key() const { return folder.write("plain.key", pem(make_ec_key())); }

  TemporaryFolder folder;
  LuaState state{luaL_newstate(), lua_close};
  lua_State* L = state.get();
};

TEST_F(TlsSettingsTest, EmptyTableIsAllDefaults) {
  const TlsSettings read = settings("{}");
  EXPECT_EQ(read.certificate, "");
  EXPECT_EQ(read.protocol, "");
  EXPECT_FALSE(read.password);
  EXPECT_FALSE(read.depth);
  EXPECT_THAT(read.options, IsEmpty());
  EXPECT_THAT(read.verify, IsEmpty());
}

TEST_F(TlsSettingsTest, WhatProsodyResolvesIsRead) {
  const TlsSettings read = settings(R"({
    mode = "server", protocol = "sslv23", certificate = "/c.crt", key = "/c.key", cafile = "/ca.pem", capath = "/ca",
    depth = 9, verify = { "peer", "client_once" }, verifyext = { "lsec_continue", "lsec_ignore_purpose" },
    options = { "no_ticket", "no_sslv3" }, ciphers = "HIGH:!PSK", ciphersuites = "TLS_AES_128_GCM_SHA256",
    curveslist = "X25519:P-384", curve = false, dane = false,
    password = "secret", dhparam = "-----BEGIN DH PARAMETERS-----\n",
  })");
  EXPECT_EQ(read.protocol, "sslv23");
  EXPECT_EQ(read.certificate, "/c.crt");
  EXPECT_EQ(read.key, "/c.key");
  EXPECT_EQ(read.cafile, "/ca.pem");
  EXPECT_EQ(read.capath, "/ca");
  EXPECT_EQ(read.depth, 9);
  EXPECT_THAT(read.verify, ElementsAre("peer", "client_once"));
  EXPECT_THAT(read.options, ElementsAre("no_ticket", "no_sslv3"));
  EXPECT_EQ(read.ciphers, "HIGH:!PSK");
  EXPECT_EQ(read.ciphersuites, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(read.curves, "X25519:P-384");
  EXPECT_EQ(read.password, "secret");
  EXPECT_EQ(read.dhparam, "-----BEGIN DH PARAMETERS-----\n");
}

TEST_F(TlsSettingsTest, ListsMayBeStringsOrArrays) {
  const TlsSettings read = settings(R"({
    verify = "none", options = "no_ticket",
    ciphers = { "HIGH", "!PSK" }, ciphersuites = { "A", "B" }, curveslist = { "X25519", "P-384" },
  })");
  EXPECT_THAT(read.verify, ElementsAre("none"));
  EXPECT_THAT(read.options, ElementsAre("no_ticket"));
  EXPECT_EQ(read.ciphers, "HIGH:!PSK");
  EXPECT_EQ(read.ciphersuites, "A:B");
  EXPECT_EQ(read.curves, "X25519:P-384");
}

TEST_F(TlsSettingsTest, SingleCurveCountsWithoutAListOnly) {
  EXPECT_EQ(settings("{ curve = 'secp384r1' }").curves, "secp384r1");
  EXPECT_EQ(settings("{ curve = 'secp384r1', curveslist = 'X25519' }").curves, "X25519");
}

TEST_F(TlsSettingsTest, DepthMayBeAStringAsForLuaSec) { EXPECT_EQ(settings("{ depth = '3' }").depth, 3); }

TEST_F(TlsSettingsTest, TableMayStandAnywhereOnTheStack) {
  luaL_dostring(L, "return { key = '/a' }, { key = '/b' }");
  EXPECT_EQ(std::get<TlsSettings>(lua::read_tls_settings(L, 1)).key, "/a");
  EXPECT_EQ(std::get<TlsSettings>(lua::read_tls_settings(L, -1)).key, "/b");
}

// --- Functions ---

TEST_F(TlsSettingsTest, PasswordFunctionIsCalledForAnEncryptedKey) {
  EXPECT_EQ(
      settings("{ key = '" + encrypted_key() + "', password = function() return 'secret' end }").password,
      "secret");
}

TEST_F(TlsSettingsTest, PasswordFunctionIsNotCalledForAnyOtherKey) {
  const std::string raises = "', password = function() error('called') end }";
  EXPECT_FALSE(settings("{ key = '" + plain_key() + raises).password);
  EXPECT_FALSE(settings("{ key = '" + folder.path("none.key") + raises).password);
}

TEST_F(TlsSettingsTest, PasswordFunctionMayHaveNoAnswer) {
  EXPECT_FALSE(settings("{ key = '" + encrypted_key() + "', password = function() end }").password);
}

TEST_F(TlsSettingsTest, PasswordFunctionThatRaisesIsAnError) {
  EXPECT_THAT(error("{ key = '" + encrypted_key() + "', password = function() error('boom') end }"),
              testing::MatchesRegex("the function password failed: .*boom"));
}

TEST_F(TlsSettingsTest, DhparamFunctionIsCalledAsOpensslWould) {
  EXPECT_EQ(
      settings(
          "{ dhparam = function(...) return table.concat({ tostring((...)), select(2, ...) }, ' ') end }")
          .dhparam,
      "false 2048");
}

TEST_F(TlsSettingsTest, DhparamFunctionMayHaveNoAnswer) {
  EXPECT_EQ(settings("{ dhparam = function() end }").dhparam, "");
}

TEST_F(TlsSettingsTest, DhparamFunctionThatRaisesIsAnError) {
  EXPECT_THAT(error("{ dhparam = function() error('boom') end }"),
              testing::MatchesRegex("the function dhparam failed: .*boom"));
  EXPECT_THAT(error("{ dhparam = function() error({}) end }"),
              HasSubstr("the function dhparam failed: table"));
}

TEST_F(TlsSettingsTest, DhparamMayBeAPath) {
  const std::string file = folder.write("dh.pem", "-----BEGIN DH PARAMETERS-----\nx\n");
  EXPECT_EQ(settings("{ dhparam = '" + file + "' }").dhparam, "-----BEGIN DH PARAMETERS-----\nx\n");
}

TEST_F(TlsSettingsTest, DhparamFileThatCannotBeReadIsNamed) {
  EXPECT_EQ(error("{ dhparam = '" + folder.path("none.pem") + "' }"),
            "cannot read the dhparam file " + folder.path("none.pem") + ": No such file or directory");
  EXPECT_EQ(error("{ dhparam = '" + folder.path("") + "' }"),
            "cannot read the dhparam file " + folder.path("") + ": Is a directory");
}

// --- What is not as it should be ---

TEST_F(TlsSettingsTest, WrongTypesAreNamed) {
  EXPECT_EQ(error("nil"), "the TLS configuration must be a table, not a nil");
  EXPECT_EQ(error("{ certificate = {} }"), "certificate must be a string, not a table");
  EXPECT_EQ(error("{ key = 7 }"), "key must be a string, not a number");
  EXPECT_EQ(error("{ password = 7 }"), "password must be a string, not a number");
  EXPECT_EQ(error("{ protocol = true }"), "protocol must be a string, not a boolean");
  EXPECT_EQ(error("{ options = 7 }"), "options must be a table, not a number");
  EXPECT_EQ(error("{ options = { {} } }"), "options must be a string, not a table");
  EXPECT_EQ(error("{ ciphers = { 'HIGH', 7 } }"), "ciphers must be a string, not a number");
  EXPECT_EQ(error("{ dhparam = {} }"), "dhparam must be a string, not a table");
  EXPECT_EQ(error("{ dhparam = function() return 7 end }"), "dhparam must be a string, not a number");
  EXPECT_EQ(error("{ depth = 'deep' }"), "depth must be a whole number");
  EXPECT_EQ(error("{ depth = 1.5 }"), "depth must be a whole number");
}

TEST_F(TlsSettingsTest, MetamethodThatRaisesIsAnError) {
  EXPECT_THAT(error("setmetatable({}, { __index = function(_, k) error('no ' .. k) end })"),
              HasSubstr("no certificate"));
  EXPECT_THAT(error("{ options = setmetatable({}, { __len = function() error('no length') end }) }"),
              HasSubstr("no length"));
}

struct Budget {
  int allocations = -1;  // negative: no limit
};

// A lua_Alloc that fails when its budget is spent.
void* allocate(void* data, void* block, std::size_t old_size, std::size_t size) {
  auto* budget = static_cast<Budget*>(data);
  // NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory): this is what a lua_Alloc is
  if (size == 0) {
    std::free(block);
    return nullptr;
  }
  if (block == nullptr || size > old_size) {
    if (budget->allocations == 0) return nullptr;
    if (budget->allocations > 0) --budget->allocations;
  }
  return std::realloc(block, size);
  // NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
}

TEST_F(TlsSettingsTest, LuaOutOfMemoryIsAnErrorWhereverItHappens) {
  for (int allocations = 0; allocations < 100; ++allocations) {
    Budget budget;
    const LuaState poor(lua_newstate(allocate, &budget), lua_close);
    luaL_openlibs(poor.get());
    ASSERT_EQ(luaL_dostring(poor.get(), R"(return {
                certificate = "/c.crt", options = { "no_ticket", "no_sslv3" }, ciphers = { "HIGH", "!PSK" },
                dhparam = function(_, bits) return ("x"):rep(bits) end,
              })"),
              LUA_OK);
    budget.allocations = allocations;
    const auto result = lua::read_tls_settings(poor.get(), -1);
    EXPECT_EQ(lua_gettop(poor.get()), 1);
    if (std::holds_alternative<TlsSettings>(result)) {
      EXPECT_GT(allocations, 3);
      return;
    }
    EXPECT_THAT(std::get<std::string>(result), HasSubstr("not enough memory"));
  }
  FAIL() << "never enough memory";
}

}  // namespace
}  // namespace pubsub_mqtt::tests
