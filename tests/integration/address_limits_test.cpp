// What one address may use up: connections, connections a second, failed logins (docs/configuration.md,
// "Limits" and "Login"). Loopback has no such limits, so the clients come from another address of the
// machine.
#include <gtest/gtest.h>

#include <list>
#include <memory>

#include "outside_address.h"
#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using Code = mqtt::Reason;

class AddressLimits : public testing::Test {
 protected:
  void start(const std::string& global) {
    prosody.start({.global = "mqtt_interfaces = { \"0.0.0.0\" }\nmqtt_allow_anonymous = true\n" + global});
  }

  RawMqtt from_outside() {
    return RawMqtt(std::make_unique<TcpStream>(prosody.mqtt_port(), outside_address()));
  }

  // Whether the server answers at all.
  static bool is_let_in(RawMqtt& client) {
    try {
      return client.connect("outsider " + std::to_string(reinterpret_cast<std::uintptr_t>(&client))) ==
             Code::success;
    } catch (const ConnectionClosed&) {
      return false;
    }
  }

  Code log_in(std::string_view user_name, std::string_view password) {
    RawMqtt client = from_outside();
    return connect(client, {.client_identifier = "outsider", .user_name = user_name, .password = password})
        .reason;
  }

  Prosody prosody;
};

TEST_F(AddressLimits, ConnectionsAtATime) {
  start("mqtt_max_connections_per_address = 2");
  RawMqtt first = from_outside();
  RawMqtt second = from_outside();
  ASSERT_TRUE(is_let_in(first));
  ASSERT_TRUE(is_let_in(second));
  RawMqtt third = from_outside();
  EXPECT_FALSE(is_let_in(third));
  const std::string line =
      prosody.log().wait_for(outside_address() + " has as many as mqtt_max_connections_per_address \\(2\\)");
  EXPECT_NE(line.find("\twarn\t"), std::string::npos) << line;
  connected(prosody.mqtt_port(), "from loopback").ping();
  first.ping();
  disconnect(second);
  RawMqtt fourth = from_outside();
  EXPECT_TRUE(is_let_in(fourth));
}

TEST_F(AddressLimits, ConnectionsASecond) {
  start("mqtt_max_connection_rate = 1");
  std::list<RawMqtt> clients;
  int let_in = 0;
  // Ten seconds' worth at once, and one for each second that this takes.
  while (clients.size() < 100) {
    clients.push_back(from_outside());
    if (!is_let_in(clients.back())) break;
    ++let_in;
  }
  EXPECT_GE(let_in, 10);
  EXPECT_LT(let_in, 100);
  prosody.log().wait_for("warn\t.*" + outside_address() +
                         " makes more in a second than mqtt_max_connection_rate \\(1\\)");
  connected(prosody.mqtt_port(), "from loopback").ping();
  clients.front().ping();
  const auto until = deadline();
  bool again = false;
  while (!again && Clock::now() < until) {
    RawMqtt client = from_outside();
    again = is_let_in(client);
  }
  EXPECT_TRUE(again) << "a second later";
}

TEST_F(AddressLimits, FailedLogins) {
  start("mqtt_max_failed_logins = 2\nallow_unencrypted_plain_auth = true");
  // Names made up, so that no account has failed more than once.
  EXPECT_EQ(log_in("one@localhost", "guess"), Code::bad_user_name_or_password);
  EXPECT_EQ(log_in("two@localhost", "guess"), Code::bad_user_name_or_password);
  EXPECT_EQ(log_in("juliet@localhost", account_password), Code::server_unavailable);
  prosody.log().wait_for("warn\tToo many failed logins of address " + outside_address());
  RawMqtt anonymous = from_outside();
  EXPECT_EQ(anonymous.connect("anonymous"), Code::success) << "it guesses nothing";
  RawMqtt from_loopback(prosody.mqtt_port());
  EXPECT_EQ(connect(from_loopback, {.client_identifier = "from loopback",
                                    .user_name = "juliet@localhost",
                                    .password = account_password})
                .reason,
            Code::success);
}

class FailedLoginsOfAnAddress : public AddressLimits {
 protected:
  void SetUp() override { start("mqtt_max_failed_logins = 2\nallow_unencrypted_plain_auth = true"); }

  static constexpr auto refused = Code::server_unavailable;
  static constexpr auto failed = Code::bad_user_name_or_password;
};

TEST_F(FailedLoginsOfAnAddress, DoNotKeepOutWhoHasLoggedInFromThereBefore) {
  ASSERT_EQ(log_in("juliet@localhost", account_password), Code::success);
  EXPECT_EQ(log_in("one@localhost", "guess"), failed);
  EXPECT_EQ(log_in("two@localhost", "guess"), failed);
  EXPECT_EQ(log_in("romeo@localhost", account_password), refused);
  EXPECT_EQ(log_in("juliet@localhost", account_password), Code::success);
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  EXPECT_EQ(log_in("juliet@localhost", account_password), Code::success) << "a reload forgets nobody";
}

TEST_F(FailedLoginsOfAnAddress, OfAnAccountThatHasLoggedInFromThereCountByThemselves) {
  ASSERT_EQ(log_in("juliet@localhost", account_password), Code::success);
  EXPECT_EQ(log_in("juliet@localhost", "old"), failed);
  EXPECT_EQ(log_in("juliet@localhost", "old"), failed);
  EXPECT_EQ(log_in("juliet@localhost", account_password), refused);
  prosody.log().wait_for("warn\tToo many failed logins of account juliet@localhost from " +
                         outside_address());
  EXPECT_EQ(log_in("romeo@localhost", account_password), Code::success);
}

TEST_F(FailedLoginsOfAnAddress, CountForAnAccountWhosePasswordHasChanged) {
  ASSERT_EQ(log_in("juliet@localhost", account_password), Code::success);
  prosody.shell(R"(user:password("juliet@localhost", "new"))");
  EXPECT_EQ(log_in("juliet@localhost", account_password), failed);
  EXPECT_EQ(log_in("juliet@localhost", account_password), failed);
  EXPECT_EQ(log_in("romeo@localhost", account_password), refused);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
