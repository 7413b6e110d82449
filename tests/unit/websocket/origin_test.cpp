#include "websocket/origin.h"

#include <gtest/gtest.h>

#include <string>

namespace pubsub_mqtt::net {
namespace {

using session::WebSocketOrigin;

const Access one_page{.websocket_origins = {"https://app.example.net:8443"}, .hosts = {"example.org"}};

TEST(OriginTest, APageOfTheSameHostIsLetInWhateverItsSchemeAndPort) {
  EXPECT_EQ(judge_origin("http://example.org", "example.org:1883", one_page), WebSocketOrigin::known);
  EXPECT_EQ(judge_origin("https://example.org:443", "example.org", one_page), WebSocketOrigin::known);
  EXPECT_EQ(judge_origin("https://EXAMPLE.org", "Example.ORG", one_page), WebSocketOrigin::known);
  EXPECT_EQ(judge_origin("http://192.0.2.1:8080", "192.0.2.1:1883", one_page), WebSocketOrigin::known);
  EXPECT_EQ(judge_origin("http://[2001:db8::1]", "[2001:db8::1]:1883", one_page), WebSocketOrigin::known);
  EXPECT_EQ(judge_origin("http://localhost:3000", "localhost:1883", one_page), WebSocketOrigin::known);
}

// DNS rebinding: whoever has the name lets it mean another machine, in the same page.
TEST(OriginTest, ANameThatIsNotOursMayMeanAnything) {
  EXPECT_EQ(judge_origin("http://evil.example", "evil.example:1883", one_page),
            WebSocketOrigin::any_host_name);
  EXPECT_EQ(judge_origin("http://sub.example.org", "sub.example.org", one_page),
            WebSocketOrigin::any_host_name);
  EXPECT_EQ(judge_origin("http://0x7f.1", "0x7f.1", one_page), WebSocketOrigin::any_host_name);
}

TEST(OriginTest, APageOfAnotherHostIsNot) {
  EXPECT_EQ(judge_origin("https://evil.example", "localhost:1883", one_page), std::nullopt);
  EXPECT_EQ(judge_origin("https://evil.example", "127.0.0.1:1883", one_page), std::nullopt);
  EXPECT_EQ(judge_origin("http://127.0.0.1", "localhost", one_page), std::nullopt);
  EXPECT_EQ(judge_origin("https://example.org.evil.example", "example.org", one_page), std::nullopt);
  EXPECT_EQ(judge_origin("https://evil.example/example.org", "example.org", one_page), std::nullopt);
}

TEST(OriginTest, UnlessItIsListed) {
  EXPECT_EQ(judge_origin("https://app.example.net:8443", "127.0.0.1", one_page), WebSocketOrigin::known);
  EXPECT_EQ(judge_origin("https://APP.example.net:8443", "127.0.0.1", one_page), WebSocketOrigin::known);
  for (const char* other :
       {"https://app.example.net", "http://app.example.net:8443", "https://app.example.net:84430"}) {
    EXPECT_EQ(judge_origin(other, "127.0.0.1", one_page), std::nullopt) << other;
  }
}

// Of a sandboxed frame, or a file.
TEST(OriginTest, NullIsLetInOnlyWhereItIsListed) {
  EXPECT_EQ(judge_origin("null", "null", one_page), std::nullopt);
  EXPECT_EQ(judge_origin("null", "example.org", {.websocket_origins = {"null"}}), WebSocketOrigin::known);
}

TEST(OriginTest, WhatIsNoOriginIsNot) {
  for (const std::string odd : {"", "http://", "//", "http://user@example.org", "http://example.org/path",
                                "http://example.org?", "http://exa mple.org", "example.org", "file:///"}) {
    EXPECT_EQ(judge_origin(odd, "example.org", one_page), std::nullopt) << odd;
  }
  for (const std::string odd : {"", "user@example.org", "example.org/", "example.org:x", "[example.org]"}) {
    EXPECT_EQ(judge_origin("http://example.org", odd, one_page), std::nullopt) << odd;
  }
  EXPECT_EQ(judge_origin("", "", one_page), std::nullopt);
}

}  // namespace
}  // namespace pubsub_mqtt::net
