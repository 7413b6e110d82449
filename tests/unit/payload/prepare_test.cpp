#include "pubsub_mqtt/payload/prepare.h"

#include <gtest/gtest.h>

#include <string>

#include "pubsub_mqtt/payload/binary.h"

namespace pubsub_mqtt::payload {
namespace {

using topic::Type;

Prepared prepared(Type type, std::string_view payload, std::string_view content_type = {}) {
  return prepare(type, payload, content_type, Limits{});
}

TEST(Prepare, EncodesBytes) {
  for (const Type type : {Type::binary, Type::any}) {
    const auto item = prepared(type, "\xFF", "image/png");
    EXPECT_EQ(item.type, Type::binary);
    EXPECT_EQ(item.base64, "/w==");
    EXPECT_EQ(item.content_id, content_id("\xFF"));
    EXPECT_EQ(item.media_type, "image/png");
    EXPECT_EQ(item.refusal, "");
  }
}

TEST(Prepare, SaysWhatAnyIs) {
  EXPECT_EQ(prepared(Type::any, "[]").type, Type::json);
  EXPECT_EQ(prepared(Type::any, "1").type, Type::utf8);
  EXPECT_EQ(prepared(Type::any, "").type, Type::utf8);
  EXPECT_EQ(prepared(Type::any, "[]").content_id, "");
}

TEST(Prepare, BytesWhoseItemIsTooLargeAreNotEncoded) {
  const std::size_t most =
      (Limits{}.max_item_size - 512 - std::string_view("application/octet-stream").size()) / 4 * 3;
  EXPECT_TRUE(prepared(Type::binary, std::string(most, '\1')).base64.has_value());
  const auto item = prepared(Type::binary, std::string(most + 3, '\1'));
  EXPECT_EQ(item.base64, std::nullopt);
  EXPECT_TRUE(item.content_id.starts_with("sha1+"));
  EXPECT_EQ(item.media_type, "application/octet-stream");
}

TEST(Prepare, ALargePayloadHasTheMediaTypeOfItsForm) {
  const std::string text(300000, 'x');
  EXPECT_EQ(prepared(Type::utf8, text, "a/b").media_type, "text/plain");
  EXPECT_EQ(prepared(Type::atom_title, text).media_type, "text/plain");
  EXPECT_EQ(prepared(Type::any, text).media_type, "text/plain");
  EXPECT_EQ(prepared(Type::json, '"' + text + '"').media_type, "application/json");
  EXPECT_EQ(prepared(Type::any, "[\"" + text + "\"]").media_type, "application/json");
  EXPECT_EQ(prepared(Type::xml, "<a xmlns='b'>" + text + "</a>").media_type, "application/xml");
}

TEST(Prepare, ALargePayloadThatIsNotOfItsTypeIsRefused) {
  const std::string bytes(300000, '\1');
  EXPECT_NE(prepared(Type::utf8, bytes).refusal, "");
  EXPECT_NE(prepared(Type::json, bytes).refusal, "");
  EXPECT_NE(prepared(Type::xml, bytes).refusal, "");
  EXPECT_EQ(prepared(Type::binary, bytes).refusal, "");
  EXPECT_EQ(prepared(Type::any, bytes).refusal, "");
}

// What is small costs Prosody's thread little.
TEST(Prepare, ASmallPayloadOfAnotherTypeIsNotLookedAt) {
  EXPECT_EQ(prepared(Type::json, "no JSON").refusal, "");
  EXPECT_EQ(prepared(Type::json, "no JSON").type, Type::json);
}

}  // namespace
}  // namespace pubsub_mqtt::payload
