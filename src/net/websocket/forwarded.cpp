#include "websocket/forwarded.h"

#include "admission/address_ranges.h"

namespace pubsub_mqtt::net {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::optional<RemoteAddress> forwarded_client(std::string_view forwarded_for, const RemoteAddress& from,
                                              const Access& access) {
  if (!contains(access.trusted_proxies, from)) return std::nullopt;
  while (!forwarded_for.empty()) {
    const auto comma = forwarded_for.rfind(',');
    const bool is_first = comma == std::string_view::npos;
    const auto client =
        RemoteAddress::parse(trim(is_first ? forwarded_for : forwarded_for.substr(comma + 1)));
    if (!client) return std::nullopt;
    if (!contains(access.trusted_proxies, *client)) return client->behind_proxy();
    forwarded_for = is_first ? std::string_view() : forwarded_for.substr(0, comma);
  }
  return std::nullopt;
}

bool introduce_forwarded(const HttpRequest& request, Arrival& client) {
  const RemoteAddress proxy = client.from();
  if (!contains(client.access().trusted_proxies, proxy)) return true;
  const auto forwarded = forwarded_client(request.fields("X-Forwarded-For"), proxy, client.access());
  if (forwarded && !client.set_client(*forwarded)) return false;
  if (request.field("X-Forwarded-Proto") == "https") client.set_encrypted(true);
  return true;
}

}  // namespace pubsub_mqtt::net
