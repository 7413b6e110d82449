#include "http/page_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "client_frames.h"
#include "some_page.h"

namespace pubsub_mqtt::net {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

PageAnswer ask(const std::string& text, Arrival& client) {
  HttpRequest request;
  std::string_view input = text;
  EXPECT_EQ(request.read(input), HttpRequest::Status::complete) << text;
  return answer_page(request, client);
}

PageAnswer ask(const std::string& line, const std::string& fields = "Host: a\r\n") {
  return ask(line + "\r\n" + fields + "\r\n", *arrival("192.0.2.1", with_page()));
}

PageAnswer get(const std::string& path, const std::string& more = {}) {
  return ask("GET " + path + " HTTP/1.1", "Host: a\r\n" + more);
}

std::string body(const PageAnswer& answer) { return answer.body ? *answer.body : "none"; }

// Of the field of that name, in a head.
std::string value(const PageAnswer& answer, const std::string& name) {
  const auto found = answer.said.find("\r\n" + name + ": ");
  if (found == std::string::npos) return {};
  const auto begin = found + name.size() + 4;
  return answer.said.substr(begin, answer.said.find("\r\n", begin) - begin);
}

TEST(PageAnswerTest, AFileIsServedByItsPath) {
  for (const char* path : {"/", "/index.html", "/?node=kitchen", "/index.html?", "http://a/",
                           "https://a:8883", "http://b/index.html?"}) {
    const auto given = get(path);
    EXPECT_EQ(given.status, "200 OK");
    EXPECT_THAT(given.said, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(value(given, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(value(given, "Content-Length"), std::to_string(start_of_page.size()));
    EXPECT_EQ(body(given), start_of_page) << path;
  }
  EXPECT_EQ(body(get("/page.js")), "whole");
  EXPECT_EQ(body(get("/empty.txt")), "");
}

TEST(PageAnswerTest, ABrowserMayDoWithItWhatThePageNeedsAndNoMore) {
  for (const auto& given : {get("/"), get("/", "If-None-Match: *\r\n")}) {
    EXPECT_EQ(
        value(given, "Content-Security-Policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'");
    EXPECT_EQ(value(given, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(value(given, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(value(given, "Cross-Origin-Opener-Policy"), "same-origin");
    EXPECT_EQ(value(given, "Cache-Control"), "no-cache");
    EXPECT_EQ(value(given, "Connection"), "close");
  }
}

TEST(PageAnswerTest, WhoHasAFileIsToldSo) {
  const std::string tag = value(get("/"), "ETag");
  EXPECT_EQ(tag.size(), 34U) << tag;
  for (const std::string& known : {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
    const auto given = get("/", "If-None-Match: " + known + "\r\n");
    EXPECT_EQ(given.status, "304 Not Modified") << known;
    EXPECT_THAT(given.said, StartsWith("HTTP/1.1 304 Not Modified\r\n"));
    EXPECT_EQ(value(given, "ETag"), tag);
    EXPECT_EQ(body(given), "none");
  }
  for (const std::string& other :
       {value(get("/page.js"), "ETag"), tag.substr(0, 33), tag.substr(1), std::string("\"\"")}) {
    EXPECT_EQ(get("/", "If-None-Match: " + other + "\r\n").status, "200 OK") << other;
  }
}

TEST(PageAnswerTest, OtherBytesHaveAnotherTag) {
  const auto tag = [](const std::string& bytes) { return make_page_file("text/plain", bytes, "").tag; };
  EXPECT_EQ(tag("a"), tag("a"));
  EXPECT_NE(tag("a"), tag("b"));
  EXPECT_NE(tag("a"), tag(""));
}

// RFC 9110, section 12.5.3
TEST(PageAnswerTest, AFileIsCompressedForWhoTakesThat) {
  for (const char* yes :
       {"gzip", "GZIP", "deflate, gzip, br", "br;q=1.0, gzip;q=0.5", "gzip;q=1", "gzip;q=0.001"}) {
    const auto given = get("/page.js", std::string("Accept-Encoding: ") + yes + "\r\n");
    EXPECT_EQ(body(given), "compressed") << yes;
    EXPECT_EQ(value(given, "Content-Encoding"), "gzip");
    EXPECT_EQ(value(given, "Content-Length"), "10");
    EXPECT_EQ(value(given, "Vary"), "Accept-Encoding");
  }
  for (const char* no : {"", "identity", "br", "gzip;q=0", "gzip;q=0.000", "gzipped", "x-gzip"}) {
    const auto given = get("/page.js", std::string("Accept-Encoding: ") + no + "\r\n");
    EXPECT_EQ(body(given), "whole") << no;
    EXPECT_EQ(value(given, "Content-Encoding"), "");
    EXPECT_EQ(value(given, "Vary"), "Accept-Encoding");
  }
  EXPECT_EQ(body(get("/", "Accept-Encoding: gzip\r\n")), start_of_page) << "there is no compressed one";
}

TEST(PageAnswerTest, WhatIsCompressedHasATagOfItsOwn) {
  const std::string compressed = value(get("/page.js", "Accept-Encoding: gzip\r\n"), "ETag");
  const std::string whole = value(get("/page.js"), "ETag");
  EXPECT_NE(compressed, whole);
  EXPECT_EQ(get("/page.js", "Accept-Encoding: gzip\r\nIf-None-Match: " + compressed + "\r\n").status,
            "304 Not Modified");
  EXPECT_EQ(get("/page.js", "Accept-Encoding: gzip\r\nIf-None-Match: " + whole + "\r\n").status, "200 OK");
  EXPECT_EQ(get("/page.js", "If-None-Match: " + compressed + "\r\n").status, "200 OK");
}

TEST(PageAnswerTest, EverythingElseIsNotFound) {
  for (const char* path :
       {"/other", "/INDEX.HTML", "/index.html/", "//index.html", "//", "/./index.html", "/../index.html",
        "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page.js%00.txt", "/page.js.gz",
        "index.html", "*", "/mqtt/", "/favicon.ico", "http://a/other", "ftp://a/index.html"}) {
    const auto given = get(path);
    EXPECT_EQ(given.status, "404 Not Found") << path;
    EXPECT_THAT(given.said, StartsWith("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_EQ(value(given, "Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(body(given), "none");
    EXPECT_THAT(given.said, Not(HasSubstr(path + std::string(1, ' '))))
        << "what was asked for is not repeated";
  }
}

TEST(PageAnswerTest, AHeadIsThatOfTheFile) {
  const auto given = ask("HEAD /page.js HTTP/1.1");
  EXPECT_EQ(given.said, get("/page.js").said);
  EXPECT_EQ(body(given), "none");
}

TEST(PageAnswerTest, OtherMethodsAreToldWhichThereAre) {
  for (const char* method :
       {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "GETS"}) {
    const auto given = ask(method + std::string(" / HTTP/1.1"));
    EXPECT_EQ(given.status, "405 Method Not Allowed") << method;
    EXPECT_EQ(value(given, "Allow"), "GET, HEAD");
  }
}

// RFC 9112, section 3.2
TEST(PageAnswerTest, ARequestOfHttp11NamesOneHostWhicheverThatIs) {
  EXPECT_EQ(ask("GET / HTTP/1.1", "").status, "400 Bad Request");
  EXPECT_EQ(ask("GET / HTTP/1.1", "Host: a\r\nHost: a\r\n").status, "400 Bad Request");
  EXPECT_EQ(ask("GET / HTTP/1.0", "Host: a\r\nHost: b\r\n").status, "400 Bad Request");
  EXPECT_EQ(ask("GET / HTTP/1.0", "").status, "200 OK");
  EXPECT_EQ(ask("GET / HTTP/1.1", "Host: evil.example\r\n").status, "200 OK")
      << "the files are nobody's secret";
  EXPECT_EQ(ask("GET / HTTP/1.1", "Host:\r\n").status, "200 OK");
}

TEST(PageAnswerTest, TheClientOfATrustedProxyIsWhomItSays) {
  Access access = with_page();
  access.trusted_proxies = {{.address = RemoteAddress::parse("127.0.0.1")->bytes()}};
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
  const auto client = arrival("127.0.0.1", access);
  EXPECT_EQ(ask(request, *client).status, "200 OK");
  const auto news = client->take_news();
  ASSERT_TRUE(news);
  EXPECT_EQ(news->peer.address, "192.0.2.7");
  EXPECT_TRUE(news->place.has_value());

  Arrival without_place(*RemoteAddress::parse("127.0.0.1"), false, Time(0),
                        std::make_shared<const Access>(access),
                        [](const RemoteAddress&) { return std::optional<Admission::Place>(); });
  EXPECT_EQ(ask(request, without_place).status, "503 Service Unavailable");
}

// What a client is still given outlives a reload.
TEST(PageAnswerTest, TheBytesOutliveThePage) {
  std::shared_ptr<const std::string> bytes;
  {
    const auto client = arrival("192.0.2.1", with_page());
    bytes = ask("GET /page.js HTTP/1.1\r\nHost: a\r\n\r\n", *client).body;
  }
  EXPECT_EQ(*bytes, "whole");
}

}  // namespace
}  // namespace pubsub_mqtt::net
