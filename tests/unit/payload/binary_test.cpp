// Bits of Binary (XEP-0231).
#include "pubsub_mqtt/payload/binary.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "pubsub_mqtt/payload/xml_text.h"
#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

using namespace std::string_literals;

constexpr std::string_view of_nothing = "sha1+da39a3ee5e6b4b0d3255bfef95601890afd80709@bob.xmpp.org";

std::string data_with(std::string_view content) {
  return "<data xmlns='urn:xmpp:bob' cid='sha1+1@bob.xmpp.org' type='image/png'>" + std::string(content) +
         "</data>";
}

// The hash is that of `sha1sum`.
TEST(Binary, IsDataWithTheHashAndTheTypeOfTheBytes) {
  EXPECT_EQ(as_text(element_of(Type::binary, "\xFF\xD8\0\xFF"s)),
            "<data xmlns='urn:xmpp:bob' cid='sha1+f2c8c816572ea9c469bd60aedce718a0290901e1@bob.xmpp.org' "
            "type='application/octet-stream'>/9gA/w==</data>");
}

TEST(Binary, OfNoBytesIsDataWithTheHashOfNothing) {
  const std::string nothing =
      "<data xmlns='urn:xmpp:bob' cid='" + std::string(of_nothing) + "' type='application/octet-stream'/>";
  EXPECT_EQ(as_text(element_of(Type::binary, "")), nothing);
  EXPECT_EQ(carried_from_xmpp(Type::binary, nothing), "");
}

TEST(Binary, IsCarriedByteForByte) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(carried(Type::binary, Type::binary, bytes), bytes);
  }
}

TEST(Binary, IsReadWithWhiteSpaceInside) {
  EXPECT_EQ(carried_from_xmpp(Type::binary, data_with("\n  /9gA\r\n\t/w==\n")), "\xFF\xD8\0\xFF"s);
}

TEST(Binary, IsReadWithoutIdentifierAndType) {
  EXPECT_EQ(carried_from_xmpp(Type::binary, "<data xmlns='urn:xmpp:bob'>AAA=</data>"), "\0\0"s);
}

// RFC 4648, 3.3 and 3.5, and what OpenSSL takes besides.
TEST(Binary, InBadBase64IsNone) {
  for (
      const std::string_view content :
      {"A",    "AA",   "AAA",  "AA=",   "AA=A",     "A===", "====", "=AAA", "AAAA====",         "AA==AAAA",
       "AAB=", "AB==", "AAA-", "AAAA-", "AAAA----", "-AAA", "AA_A", "AA*A", "\xC3\xBC\xC3\xBC", "AAAA<a/>"}) {
    const std::string element = data_with(content);
    EXPECT_EQ(carried_from_xmpp(Type::binary, element), std::nullopt) << content;
    EXPECT_EQ(natural_type(tree_of(element).document_element()), Type::xml) << content;
  }
}

// It names bytes that are elsewhere.
TEST(Binary, WithoutContentIsNone) {
  for (const std::string_view content : {"", " \n"}) {
    EXPECT_EQ(carried_from_xmpp(Type::binary, data_with(content)), std::nullopt);
    EXPECT_EQ(natural_type(tree_of(data_with(content)).document_element()), Type::xml);
  }
}

TEST(Binary, OfAnotherNamespaceIsNone) {
  EXPECT_EQ(carried_from_xmpp(Type::binary, "<data xmlns='urn:xmpp:other'>AAAA</data>"), std::nullopt);
  EXPECT_EQ(carried_from_xmpp(Type::binary, "<bits xmlns='urn:xmpp:bob'>AAAA</bits>"), std::nullopt);
}

TEST(Binary, IsXmlToo) {
  EXPECT_EQ(carried(Type::binary, Type::xml, "\1"),
            "<data xmlns='urn:xmpp:bob' cid='sha1+bf8b4530d8d246dd74ac53a13471bba17941dff7@bob.xmpp.org' "
            "type='application/octet-stream'>AQ==</data>");
  EXPECT_EQ(carried(Type::xml, Type::binary, data_with("AQ==")), "\1");
}

TEST(Binary, HasNoOtherForm) {
  for (const Type type : {Type::json, Type::utf8, Type::atom_title}) {
    EXPECT_EQ(carried(Type::binary, type, "1"), std::nullopt);
    EXPECT_EQ(carried(type, Type::binary, "1"), std::nullopt);
  }
}

TEST(Binary, SaysWhatItsPublisherSaysThatItIs) {
  const auto element = to_element(Type::binary, "\1", {}, no_xml_limit, "text/plain; charset=\"x'y\"");
  const auto data = std::get<pugi::xml_document>(element).document_element();
  EXPECT_EQ(std::string_view(data.attribute("type").value()), "text/plain; charset=\"x'y\"");
  EXPECT_EQ(media_type_of(data), "text/plain; charset=\"x'y\"");
}

TEST(Binary, OfATypeThatIsNoneSaysNothing) {
  EXPECT_EQ(media_type_of(tree_of("<data xmlns='urn:xmpp:bob' type='image'/>").document_element()), "");
  EXPECT_EQ(media_type_of(tree_of("<data xmlns='urn:xmpp:bob'/>").document_element()), "");
}

TEST(MediaType, IsOneByRfc2045) {
  for (const std::string_view type : {"image/jpeg", "application/vnd.api+json", "text/plain;charset=utf-8",
                                      "text/plain ; charset=\"a \\\" b\"", "audio/ogg; codecs=speex",
                                      "a/b;c=d;e=f", "x-a/X-B", "!#$%&'*+-.^_`{|}~/a"}) {
    EXPECT_EQ(media_type(type), type);
  }
}

TEST(MediaType, IsOctetsForAllElse) {
  for (const std::string_view type :
       {"", "image", "image/", "/jpeg", "image//jpeg", "image/jpeg/x", "image/jp eg", " image/jpeg",
        "image/jpeg ", "image/jpeg;", "image/jpeg;a", "image/jpeg;a=", "image/jpeg;=b", "image/jpeg;a=\"b",
        "image/jpeg;a=\"\\", "image/jpeg;a=\"\n\"", "im\xC3\xBC/jpeg", "image/\x7F", "<a>/b"}) {
    EXPECT_EQ(media_type(type), "application/octet-stream") << type;
  }
}

// An item is about as large as its content, whatever a publisher says of it.
TEST(MediaType, IsNotLong) {
  EXPECT_EQ(media_type("a/" + std::string(253, 'b')).size(), 255U);
  EXPECT_EQ(media_type("a/" + std::string(254, 'b')), "application/octet-stream");
}

}  // namespace
}  // namespace pubsub_mqtt::payload
