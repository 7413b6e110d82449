#include "proxy/proxy_header.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "addresses.h"
#include "proxy/proxy_header_stream.h"

namespace pubsub_mqtt::net {
namespace {

constexpr std::string_view version_2("\r\n\r\n\0\r\nQUIT\n", 12);

std::string header_2(char command, char family, const std::string& rest) {
  std::string header(version_2);
  header += command;
  header += family;
  header += static_cast<char>(rest.size() >> 8U);
  header += static_cast<char>(rest.size());
  return header + rest;
}

const std::string of_4("\xc0\x00\x02\x07\xc0\x00\x02\x01\xc3\x50\x07\x5b", 12);  // 192.0.2.7:50000
const std::string of_6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x07" +
                         std::string(16, '\0') + std::string("\xc3\x50\x07\x5b");
const std::string ssl_of_client("\x20\x00\x05\x01\x00\x00\x00\x00", 8);

// The client's name, "" where the proxy does not know it, or what was wrong.
std::string name(const std::string& bytes) {
  const auto result = read_proxy_header(bytes);
  if (std::holds_alternative<IncompleteProxyHeader>(result)) return "incomplete";
  if (std::holds_alternative<MalformedProxyHeader>(result)) return "malformed";
  const auto& client = std::get<ProxyHeader>(result).client;
  return client ? client->peer(false).name : "";
}

std::optional<bool> is_encrypted(const std::string& bytes) {
  return std::get<ProxyHeader>(read_proxy_header(bytes)).is_encrypted;
}

TEST(ProxyHeaderTest, Version1) {
  EXPECT_EQ(name("PROXY TCP4 192.0.2.7 192.0.2.1 50000 1883\r\n"), "192.0.2.7:50000");
  EXPECT_EQ(name("PROXY TCP6 2001:db8::7 2001:db8::1 65535 1883\r\n"), "[2001:db8::7]:65535");
  EXPECT_EQ(name("PROXY UNKNOWN\r\n"), "");
  EXPECT_EQ(name("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), "");
  EXPECT_EQ(is_encrypted("PROXY UNKNOWN\r\n"), std::nullopt);
}

TEST(ProxyHeaderTest, Version2) {
  EXPECT_EQ(name(header_2(0x21, 0x11, of_4)), "192.0.2.7:50000");
  EXPECT_EQ(name(header_2(0x21, 0x21, of_6)), "[2001:db8::7]:50000");
  EXPECT_EQ(name(header_2(0x20, 0x11, of_4)), "") << "LOCAL";
  EXPECT_EQ(name(header_2(0x20, 0x00, "")), "");
  EXPECT_EQ(name(header_2(0x21, 0x00, "whatever")), "") << "unspecified";
  EXPECT_EQ(name(header_2(0x21, 0x31, std::string(216, 'x'))), "") << "a Unix socket";
}

TEST(ProxyHeaderTest, Version2MaySayWhetherTheClientIsEncrypted) {
  const std::string other("\x04\x00\x02xx", 5);  // PP2_TYPE_NOOP
  const std::string in_plain("\x20\x00\x05\x00\x00\x00\x00\x00", 8);
  EXPECT_EQ(is_encrypted(header_2(0x21, 0x11, of_4)), std::nullopt);
  EXPECT_EQ(is_encrypted(header_2(0x21, 0x11, of_4 + other)), std::nullopt);
  EXPECT_EQ(is_encrypted(header_2(0x21, 0x11, of_4 + other + ssl_of_client)), true);
  EXPECT_EQ(is_encrypted(header_2(0x21, 0x21, of_6 + ssl_of_client + other)), true);
  EXPECT_EQ(is_encrypted(header_2(0x21, 0x11, of_4 + in_plain)), false);
}

TEST(ProxyHeaderTest, IsAsLongAsItSays) {
  for (const std::string& header : {std::string("PROXY TCP4 192.0.2.7 192.0.2.1 50000 1883\r\n"),
                                    header_2(0x21, 0x11, of_4 + ssl_of_client)}) {
    for (std::size_t i = 0; i < header.size(); ++i) EXPECT_EQ(name(header.substr(0, i)), "incomplete") << i;
    EXPECT_EQ(std::get<ProxyHeader>(read_proxy_header(header + "\x10rest")).size, header.size());
  }
}

TEST(ProxyHeaderTest, WhatIsNoneIsMalformed) {
  for (const char* odd :
       {"\x10", "GET ", "proxy tcp4", "PROXY\r\n", "PROXYTCP4", "PROXY \r\n",
        "PROXY TCP5 192.0.2.7 192.0.2.1 1 2\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 -1 2\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 x 2\r\n", "PROXY TCP4 192.0.2.777 192.0.2.1 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 192.0.2.7 ::1 1 2\r\n",
        "PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 1 2 \r\n"}) {
    EXPECT_EQ(name(odd), "malformed") << odd;
  }
  EXPECT_EQ(name("PROXY TCP4 " + std::string(100, '1')), "malformed") << "no line is that long";
  EXPECT_EQ(name(header_2(0x11, 0x11, of_4)), "malformed") << "version 1";
  EXPECT_EQ(name(header_2(0x22, 0x11, of_4)), "malformed") << "no command";
  EXPECT_EQ(name(header_2(0x21, 0x11, of_4.substr(1))), "malformed") << "no place for the addresses";
  EXPECT_EQ(name(header_2(0x21, 0x21, of_4)), "malformed");
  EXPECT_EQ(name(header_2(0x21, 0x11, of_4 + "\x04")), "malformed") << "half a TLV";
  EXPECT_EQ(name(header_2(0x21, 0x11, of_4 + std::string("\x04\x00\x02x", 4))), "malformed");
  EXPECT_EQ(name(header_2(0x21, 0x11, of_4 + std::string("\x20\x00\x01\x01", 4))), "malformed")
      << "half of SSL's";
}

class ProxyHeaderStreamTest : public testing::Test {
 protected:
  Stream::Status receive(std::string_view bytes) { return stream.receive(bytes, above, answer); }

  bool has_place = true;
  Limits limits;
  std::vector<LogLine> log;
  Admission admission{limits, log};
  ProxyHeaderStream stream{std::make_shared<Arrival>(
      *RemoteAddress::parse("127.0.0.1"), true, Time(0), std::make_shared<const Access>(),
      [this](const RemoteAddress& from) {
        return has_place ? std::optional<Admission::Place>(std::in_place, admission, from) : std::nullopt;
      })};
  std::string above;
  std::string answer;
};

TEST_F(ProxyHeaderStreamTest, TakesTheHeaderOffAndLeaves) {
  for (const char byte : std::string_view("PROXY TCP4 192.0.2.7 192.0.2.1 50000 1883\r")) {
    EXPECT_EQ(receive({&byte, 1}), Stream::Status::open);
    EXPECT_FALSE(stream.take_introduction());
  }
  EXPECT_EQ(receive("\nCONNECT"), Stream::Status::open);
  EXPECT_EQ(above, "CONNECT");
  EXPECT_TRUE(stream.is_done());
  const auto introduction = stream.take_introduction();
  ASSERT_TRUE(introduction);
  EXPECT_EQ(introduction->peer.name, "192.0.2.7:50000");
  EXPECT_TRUE(introduction->peer.is_encrypted) << "as this connection is";
  EXPECT_TRUE(introduction->place);
}

TEST_F(ProxyHeaderStreamTest, TheClientIsEncryptedWhereTheHeaderSaysSo) {
  receive(header_2(0x21, 0x11, of_4 + std::string("\x20\x00\x05\x00\x00\x00\x00\x00", 8)));
  EXPECT_FALSE(stream.take_introduction()->peer.is_encrypted);
}

TEST_F(ProxyHeaderStreamTest, TheClientIsNeverLoopback) {
  receive("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n");
  EXPECT_FALSE(stream.take_introduction()->peer.is_loopback);
}

TEST_F(ProxyHeaderStreamTest, NorIsTheProxyItself) {
  receive(header_2(0x20, 0x00, ""));
  const auto introduction = stream.take_introduction();
  EXPECT_EQ(introduction->peer.address, "127.0.0.1");
  EXPECT_FALSE(introduction->peer.is_loopback);
}

TEST_F(ProxyHeaderStreamTest, WithoutAHeaderItFailsAndTheAdministratorIsTold) {
  EXPECT_EQ(receive("\x10\x0c"), Stream::Status::failed);
  EXPECT_EQ(above, "");
  EXPECT_TRUE(stream.is_mendable());
  EXPECT_NE(stream.error().find("mqtt_proxies"), std::string_view::npos);
}

TEST_F(ProxyHeaderStreamTest, AClientForWhichThereIsNoPlaceIsNotServed) {
  has_place = false;
  EXPECT_EQ(receive("PROXY TCP4 192.0.2.7 192.0.2.1 50000 1883\r\nCONNECT"), Stream::Status::failed);
  EXPECT_EQ(above, "");
}

}  // namespace
}  // namespace pubsub_mqtt::net
