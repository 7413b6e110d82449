// What the TYPE level of a topic means: MQTT payload <-> payload element of a pubsub item (docs/mapping.md,
// "TYPE").
//
// Elements are pugixml trees in the one form that Prosody's own XML parser gives to its stanzas: names
// without a prefix, an `xmlns` attribute on every element, a namespaced attribute as `nsN:name` with
// `xmlns:nsN` just before it, `xml:` attributes as they are. Text is UTF-8.
//
// Nothing that XML 1.0 cannot carry (production Char, section 2.2) passes in either direction: one U+FFFE in
// an item would end the stream of every XMPP subscriber. All functions are pure but for memory; any thread.
#pragma once

#include <cstddef>
#include <ctime>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::payload {

using topic::Type;

// Why a payload cannot become an item; a sentence without a full stop for the log, free of the client's
// bytes.
struct Refused {
  std::string_view reason;  // a string literal
};

// The TYPE whose form a payload has that is published as Type::any: json for an object or an array, else utf8 for
// text that XML 1.0 can carry, else binary.
Type type_of_any(std::string_view mqtt_payload);

// Whether to_element() takes a payload of a TYPE other than Type::xml: nothing where it does.
std::optional<Refused> check_text(Type type, std::string_view mqtt_payload);

// What an Atom entry needs besides its title (RFC 4287, 4.1.2). Both strings hold what XML 1.0 can carry.
struct AtomEntry {
  std::string_view id;      // an IRI, e.g. "urn:uuid:..."
  std::string_view author;  // a name
  std::time_t updated = 0;  // UTC
};

// Whom the entry of a publish names: the account where `exposes_publisher`, as pubsub does, else the host; or nobody by
// name, where the client has none.
std::string_view atom_author(std::string_view account, std::string_view host, bool exposes_publisher);

// The payload element for an item, as the document's only child, from the payload of a PUBLISH to `type`.
// `atom` is used by Type::atom_title only, `max_xml_elements` by Type::xml only (xml_text.h), `content_type`, which is
// what MQTT 5.0 says of the payload, by Type::binary only. Type::any is what type_of_any() says. Of other TYPEs than
// xml the natural TYPE of the element is that one, and its MQTT payload is `mqtt_payload`: no need to ask
// natural_payload().
std::variant<pugi::xml_document, Refused> to_element(Type type, std::string_view mqtt_payload,
                                                     const AtomEntry& atom,
                                                     std::size_t max_xml_elements = Limits{}.max_xml_elements,
                                                     std::string_view content_type = {});

// The TYPE whose row an element matches, with the MQTT payload, without which it would not match. All else is
// Type::xml, whose payload is to_mqtt(Type::xml, element): serialised only where somebody wants it. Neither has an MQTT
// payload of another TYPE, but for Type::any, which is the natural one.
struct NaturalPayload {
  Type type = Type::xml;
  std::optional<std::string> payload;  // nullopt for Type::xml alone
};
NaturalPayload natural_payload(const pugi::xml_node& element);

// natural_payload() without the payload, at the same price.
Type natural_type(const pugi::xml_node& element);

// The MQTT payload of an element for a subscriber of `type`; nothing where the element is of another TYPE: by
// its name, a <json> whose text is not valid JSON, a <json> or <data> with elements inside, an entry without
// a title, binary data without content or in bad base64. Type::xml and Type::any take every element. Nothing
// either where text would hold what XML 1.0 cannot carry, which an element that came through an XML parser never does.
std::optional<std::string> to_mqtt(Type type, const pugi::xml_node& element);

}  // namespace pubsub_mqtt::payload
