#include "websocket/origin.h"

#include <uriparser/Uri.h>

#include <algorithm>
#include <memory>
#include <string>

#include "admission/remote_address.h"

namespace pubsub_mqtt::net {
namespace {

using session::WebSocketOrigin;

struct FreeUri {
  void operator()(UriUriA* uri) const { uriFreeUriMembersA(uri); }
};

std::string_view view(const UriTextRangeA& range) {
  if (range.first == nullptr) return {};
  return {range.first, static_cast<std::size_t>(range.afterLast - range.first)};
}

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return copy;
}

// The host of "scheme://host:port" or "//host:port", in lower case and without the brackets of IPv6. Empty: there is
// none, or there is more than that.
std::string host_of(std::string_view text) {
  UriUriA uri{};
  const char* error = nullptr;
  if (uriParseSingleUriExA(&uri, text.data(), text.data() + text.size(), &error) != URI_SUCCESS) return {};
  const std::unique_ptr<UriUriA, FreeUri> parsed(&uri);
  const bool has_more = uri.userInfo.first != nullptr || uri.pathHead != nullptr ||
                        uri.query.first != nullptr || uri.fragment.first != nullptr;
  return has_more ? std::string() : lower(view(uri.hostText));
}

// A name can be made to mean this machine by whoever has it, an address cannot.
bool names_us(const std::string& host, const Access& access) {
  return host == "localhost" || RemoteAddress::parse(host).has_value() ||
         std::ranges::find(access.hosts, host) != access.hosts.end();
}

}  // namespace

std::optional<WebSocketOrigin> judge_origin(std::string_view origin, std::string_view host,
                                            const Access& access) {
  if (std::ranges::find(access.websocket_origins, lower(origin)) != access.websocket_origins.end()) {
    return WebSocketOrigin::known;
  }
  const std::string page = host_of(origin);
  if (page.empty() || page != host_of("//" + std::string(host))) return std::nullopt;
  return names_us(page, access) ? WebSocketOrigin::known : WebSocketOrigin::any_host_name;
}

}  // namespace pubsub_mqtt::net
