// The mount point: where the topics of devices are that name no pubsub host, `zigbee2mqtt/...` say (docs/mapping.md,
// "Topics of their own"). Such a topic, and a filter, is taken as HOST/TYPE/PREFIX/topic, and called mounted. A value;
// any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "pubsub_mqtt/topic/form.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::topic {

class Mountpoint {
 public:
  // Where the module is enabled, and pubsub components that are configured.
  using Hosts = std::set<std::string, std::less<>>;

  struct Invalid {
    std::string_view reason;  // a string literal, for the administrator
  };

  // `setting` is HOST/TYPE or HOST/TYPE/PREFIX, of which HOST is one of the hosts.
  static std::variant<Mountpoint, Invalid> parse(std::string_view setting, Hosts hosts);

  const std::string& host() const { return host_; }
  Type type() const { return type_; }
  Form form() const { return {type_, true}; }

  // Whether what a client names, a topic or a filter without `$share/GROUP/`, is mounted: its first level is no pubsub
  // host, and does not begin with `$`.
  bool takes(std::string_view name) const;

  // What stands before all that a client names: HOST/TYPE/PREFIX/. `account`: bare JID; empty: without login.
  std::string before(std::string_view account, std::string_view client_identifier) const;

  // Whether `text` may stand before what a client names, or might where an older setting of PREFIX had as many levels:
  // then topic_of() names the same.
  bool is_like_before(std::string_view text) const;
  // The same for whatever stood before under another mount point.
  bool names_as(const Mountpoint& other) const {
    return host_ == other.host_ && type_ == other.type_ && levels_ == other.levels_;
  }

  // The mounted topic of a node: the end of its name, since PREFIX has as many levels for every client. Returns nullopt
  // where it has none. Borrows from `node`.
  std::optional<std::string_view> topic_of(std::string_view host, std::string_view node) const;

  bool operator==(const Mountpoint&) const = default;

 private:
  Mountpoint(std::string_view host, Type type, std::string_view prefix, Hosts hosts);

  std::string host_;
  Type type_;
  std::string prefix_;      // as it was set, with a slash behind it; or empty
  std::size_t levels_ = 0;  // of it
  Hosts hosts_;
};

}  // namespace pubsub_mqtt::topic
