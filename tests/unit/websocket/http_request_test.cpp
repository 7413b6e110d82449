#include "http/http_request.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "client_frames.h"

namespace pubsub_mqtt::net {
namespace {

using RequestStatus = HttpRequest::Status;

RequestStatus read(HttpRequest& request, std::string_view input) { return request.read(input); }

TEST(HttpRequestTest, LeavesWhatStandsBehindIt) {
  HttpRequest request;
  const std::string bytes = UpgradeText{}.text() + "frames";
  std::string_view input = bytes;
  EXPECT_EQ(request.read(input), RequestStatus::complete);
  EXPECT_EQ(input, "frames");
}

TEST(HttpRequestTest, MayComeAByteAtATime) {
  HttpRequest request;
  const std::string bytes = UpgradeText{}.text();
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    ASSERT_EQ(read(request, std::string_view(bytes).substr(i, 1)), RequestStatus::incomplete) << i;
  }
  EXPECT_EQ(read(request, "\n"), RequestStatus::complete);
  EXPECT_EQ(request.target(), "/mqtt");
  EXPECT_TRUE(request.is_http_1_1());
}

// A proxy may send its lines one by one.
TEST(HttpRequestTest, MayComeInPartsWhereverTheyEnd) {
  const std::string bytes = "GET /mqtt HTTP/1.1\r\nHost: a\r\nOrigin: b\r\n\r\n";
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    for (std::size_t j = i + 1; j < bytes.size(); ++j) {
      HttpRequest request;
      ASSERT_EQ(read(request, std::string_view(bytes).substr(0, i)), RequestStatus::incomplete) << i;
      ASSERT_EQ(read(request, std::string_view(bytes).substr(i, j - i)), RequestStatus::incomplete)
          << i << ' ' << j;
      std::string rest = bytes.substr(j) + "frames";
      std::string_view input = rest;
      ASSERT_EQ(request.read(input), RequestStatus::complete) << i << ' ' << j;
      EXPECT_EQ(input, "frames");
      EXPECT_EQ(request.target(), "/mqtt");
      EXPECT_EQ(request.field("Host"), "a");
      EXPECT_EQ(request.field("Origin"), "b");
    }
  }
}

// RFC 9112, section 3.2.2
TEST(HttpRequestTest, TheTargetMayBeAWholeUri) {
  const auto given = [](const std::string& target) {
    HttpRequest request;
    EXPECT_EQ(read(request, "GET " + target + " HTTP/1.1\r\nHost: field\r\n\r\n"), RequestStatus::complete);
    return std::string(request.host()) + " " + std::string(request.path());
  };
  EXPECT_EQ(given("/mqtt?a"), "field /mqtt");
  EXPECT_EQ(given("http://a:1883/mqtt?b"), "a:1883 /mqtt");
  EXPECT_EQ(given("HTTPS://[::1]:8883/"), "[::1]:8883 /");
  EXPECT_EQ(given("http://a"), "a /");
  EXPECT_EQ(given("http://a?b=/c"), "a /");
  EXPECT_EQ(given("http:///page.js"), "field /page.js");
  EXPECT_EQ(given("/http://a/b"), "field /http://a/b");
  EXPECT_EQ(given("ftp://a/b"), "field ftp://a/b");
  EXPECT_EQ(given("*"), "field *");
}

TEST(HttpRequestTest, FieldsHaveNoCase) {
  HttpRequest request;
  ASSERT_EQ(read(request, "GET / HTTP/1.1\r\nhOST: a\r\nConnection: keep-alive, UPGRADE\r\n\r\n"),
            RequestStatus::complete);
  EXPECT_EQ(request.field("Host"), "a");
  EXPECT_EQ(request.count("host"), 1U);
  EXPECT_EQ(request.field("Origin"), "");
  EXPECT_TRUE(request.has_token("connection", "upgrade"));
  EXPECT_FALSE(request.has_token("connection", "close"));
}

TEST(HttpRequestTest, AListMayStandInSeveralFields) {
  HttpRequest request;
  ASSERT_EQ(read(request, "GET / HTTP/1.1\r\nX-Forwarded-For: a\r\nX-Forwarded-For: b, c\r\n\r\n"),
            RequestStatus::complete);
  EXPECT_EQ(request.fields("X-Forwarded-For"), "a,b, c");
  EXPECT_EQ(request.count("X-Forwarded-For"), 2U);
}

TEST(HttpRequestTest, WhatIsNoHttpIsMalformed) {
  for (const char* bytes :
       {"GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/one\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\n: no name\r\n\r\n", "GET / HTTP/1.1\r\na b: c\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"}) {
    HttpRequest request;
    EXPECT_EQ(read(request, bytes), RequestStatus::malformed) << bytes;
  }
}

TEST(HttpRequestTest, IsBounded) {
  HttpRequest request;
  EXPECT_EQ(read(request, "GET / HTTP/1.1\r\na: "), RequestStatus::incomplete);
  RequestStatus status = RequestStatus::incomplete;
  std::size_t size = 0;
  const std::string more(100, 'x');
  while (status == RequestStatus::incomplete && size < 2 * HttpRequest::max_size) {
    status = read(request, more);
    size += more.size();
  }
  EXPECT_EQ(status, RequestStatus::malformed);
  EXPECT_LT(size, HttpRequest::max_size + more.size());
}

TEST(HttpRequestTest, IsBoundedWhereAllComesAtOnce) {
  const auto of_size = [](std::size_t size) {
    const std::string begin = "GET / HTTP/1.1\r\na: ";
    return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n";
  };
  HttpRequest request;
  EXPECT_EQ(read(request, of_size(HttpRequest::max_size)), RequestStatus::complete);
  HttpRequest larger;
  EXPECT_EQ(read(larger, of_size(HttpRequest::max_size + 1)), RequestStatus::malformed);
}

}  // namespace
}  // namespace pubsub_mqtt::net
