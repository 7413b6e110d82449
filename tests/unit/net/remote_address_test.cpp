#include "admission/remote_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

namespace pubsub_mqtt::net {
namespace {

RemoteAddress address(const std::string& text, std::uint16_t port = 50000) {
  sockaddr_storage storage{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&storage, &v4, sizeof v4);
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&storage, &v6, sizeof v6);
  }
  return RemoteAddress(storage);
}

TEST(RemoteAddressTest, LoopbackIsLoopback) {
  for (const char* text : {"127.0.0.1", "127.0.0.2", "127.255.255.254", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(address(text).is_loopback()) << text;
    EXPECT_TRUE(address(text).peer(false).is_loopback) << text;
  }
}

TEST(RemoteAddressTest, NothingElseIsLoopback) {
  for (const char* text : {"126.255.255.255", "128.0.0.1", "192.0.2.127", "0.0.0.0", "::", "::2", "7f00::1",
                           "::127.0.0.1", "::ffff:192.0.2.1", "::ffff:128.0.0.1", "fe80::1", "2001:db8::1"}) {
    EXPECT_FALSE(address(text).is_loopback()) << text;
    EXPECT_FALSE(address(text).peer(false).is_loopback) << text;
  }
  EXPECT_FALSE(RemoteAddress().is_loopback());
}

TEST(RemoteAddressTest, PeersAreNamed) {
  EXPECT_EQ(address("192.0.2.1", 1).peer(false).address, "192.0.2.1");
  EXPECT_EQ(address("192.0.2.1", 1).peer(false).name, "192.0.2.1:1");
  EXPECT_EQ(address("192.0.2.1", 0).peer(false).name, "192.0.2.1") << "the port is not known";
  EXPECT_EQ(address("2001:db8::1", 65535).peer(false).address, "2001:db8::1");
  EXPECT_EQ(address("2001:db8::1", 65535).peer(false).name, "[2001:db8::1]:65535");
  EXPECT_EQ(address("::ffff:192.0.2.1", 258).peer(false).address, "192.0.2.1");
  EXPECT_EQ(address("::ffff:192.0.2.1", 258).peer(false).name, "192.0.2.1:258");
  EXPECT_EQ(RemoteAddress().text(), "unknown address");
}

TEST(RemoteAddressTest, PeersAreEncryptedOrNot) {
  EXPECT_TRUE(address("192.0.2.1").peer(true).is_encrypted);
  EXPECT_FALSE(address("192.0.2.1").peer(false).is_encrypted);
}

TEST(RemoteAddressTest, PrefixIsOneAddressOrASubnet) {
  EXPECT_EQ(address("192.0.2.1", 1).prefix(), address("192.0.2.1", 2).prefix());
  EXPECT_EQ(address("192.0.2.1").prefix(), address("::ffff:192.0.2.1").prefix());
  EXPECT_NE(address("192.0.2.1").prefix(), address("192.0.2.2").prefix());
  EXPECT_EQ(address("2001:db8::1").prefix(), address("2001:db8::ffff:ffff:ffff:ffff").prefix());
  EXPECT_NE(address("2001:db8::1").prefix(), address("2001:db8:0:1::1").prefix());
  EXPECT_NE(address("::1").prefix(), address("0.0.0.0").prefix());
}

}  // namespace
}  // namespace pubsub_mqtt::net
