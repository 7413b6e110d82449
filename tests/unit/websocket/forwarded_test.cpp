#include "websocket/forwarded.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace pubsub_mqtt::net {
namespace {

AddressRange range(std::string_view address, unsigned bits = 128) {
  return {.address = RemoteAddress::parse(address)->bytes(), .bits = bits};
}

const Access some_proxies{.trusted_proxies = {range("127.0.0.1"), range("::1"), range("10.0.0.0", 96 + 8)}};

std::string client(std::string_view forwarded_for, std::string_view from = "127.0.0.1") {
  const auto found = forwarded_client(forwarded_for, *RemoteAddress::parse(from), some_proxies);
  return found ? found->text() : "";
}

TEST(ForwardedTest, TheClientIsTheLastThatIsNoTrustedProxy) {
  EXPECT_EQ(client("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(client("198.51.100.7, 192.0.2.1"), "192.0.2.1") << "the first is what the client wrote";
  EXPECT_EQ(client("198.51.100.7,192.0.2.1 , 10.1.2.3,\t127.0.0.1"), "192.0.2.1");
  EXPECT_EQ(client("192.0.2.1", "10.255.0.1"), "192.0.2.1");
}

TEST(ForwardedTest, NobodyElseIsBelieved) {
  EXPECT_EQ(client("192.0.2.1", "11.0.0.1"), "");
  EXPECT_EQ(client("192.0.2.1", "192.0.2.2"), "");
}

TEST(ForwardedTest, WithoutAClientTheProxyIsItself) {
  for (const char* none : {"", " ", ",", "127.0.0.1", "10.0.0.1, ::1", "unknown", "192.0.2.1, unknown",
                           "192.0.2.1:80", "192.0.2.1.1", "192.0.2.1 192.0.2.2"}) {
    EXPECT_EQ(client(none), "") << none;
  }
}

// Who asks from the proxy's own machine is no client of ours.
TEST(ForwardedTest, TheClientOfAProxyIsNeverFromLoopback) {
  const auto found = forwarded_client("127.0.0.2", *RemoteAddress::parse("127.0.0.1"), some_proxies);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->is_loopback());
  EXPECT_TRUE(RemoteAddress::parse("127.0.0.2")->is_loopback());
}

}  // namespace
}  // namespace pubsub_mqtt::net
