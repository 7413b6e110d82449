// The properties of a packet (MQTT 5.0, 2.2.2), kept as they are on the wire: what a reader has checked, or append()
// has written, is read where it lies. Strings are UTF-8 without U+0000; binary data are any bytes. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pubsub_mqtt::mqtt {

// Table 2-4
enum class PropertyIdentifier : std::uint8_t {
  payload_format_indicator = 0x01,
  message_expiry_interval = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_identifier = 0x0B,
  session_expiry_interval = 0x11,
  assigned_client_identifier = 0x12,
  server_keep_alive = 0x13,
  authentication_method = 0x15,
  authentication_data = 0x16,
  request_problem_information = 0x17,
  will_delay_interval = 0x18,
  request_response_information = 0x19,
  response_information = 0x1A,
  server_reference = 0x1C,
  reason_string = 0x1F,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  maximum_qos = 0x24,
  retain_available = 0x25,
  user_property = 0x26,
  maximum_packet_size = 0x27,
  wildcard_subscription_available = 0x28,
  subscription_identifier_available = 0x29,
  shared_subscription_available = 0x2A,
};

struct UserProperty {
  std::string_view name;
  std::string_view value;

  bool operator==(const UserProperty&) const = default;
};

// An integer of whatever width, a string or binary data, or a pair of strings, as the identifier demands.
using PropertyValue = std::variant<std::uint32_t, std::string_view, UserProperty>;

struct Property {
  PropertyIdentifier identifier = PropertyIdentifier::user_property;
  PropertyValue value;

  bool operator==(const Property&) const = default;
};

class Properties {
 public:
  Properties() = default;
  // `encoded`, without its length in front, was checked by a reader or written by append(), and outlives this.
  explicit Properties(std::string_view encoded) : encoded_(encoded) {}

  bool empty() const { return encoded_.empty(); }
  std::string_view encoded() const { return encoded_; }

  // Of the first one of that kind; nullopt where there is none.
  std::optional<std::uint32_t> integer(PropertyIdentifier identifier) const;
  std::optional<std::string_view> bytes(PropertyIdentifier identifier) const;

  class Iterator {
   public:
    using value_type = Property;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    Iterator() = default;
    explicit Iterator(std::string_view rest);
    const Property& operator*() const { return property_; }
    const Property* operator->() const { return &property_; }
    Iterator& operator++();
    Iterator operator++(int);
    // The bytes of this property, its identifier included.
    std::string_view encoded() const { return encoded_; }
    bool operator==(const Iterator& other) const { return encoded_.data() == other.encoded_.data(); }

   private:
    void read();

    std::string_view rest_;
    std::string_view encoded_;  // without data at the end
    Property property_;
  };
  Iterator begin() const { return Iterator(encoded_); }
  static Iterator end() { return {}; }

  bool operator==(const Properties& other) const { return encoded_ == other.encoded_; }

 private:
  std::string_view encoded_;
};

// Adds a property. The value is of the type that its identifier demands, an integer within its width, a string of at
// most 65,535 bytes.
void append(const Property& property, std::string& encoded);

// Those that a server hands on unaltered from a PUBLISH or a will to its subscribers (3.3.2.3): Payload Format
// Indicator, Content Type, Response Topic, Correlation Data, User Properties, in their order. Without `of_payload` the
// first two, which are about the payload's form, are left out.
std::string forwarded(const Properties& properties, bool of_payload = true);

// Whether bytes of unknown origin, say of a store, may be what forwarded() returns.
bool are_forwarded(std::string_view encoded);

}  // namespace pubsub_mqtt::mqtt
