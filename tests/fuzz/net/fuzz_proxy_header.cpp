// A header of the PROXY protocol: what is decided of a beginning holds for the whole.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "proxy/proxy_header.h"
#include "require.h"

namespace {

using namespace pubsub_mqtt::net;

bool is_incomplete(std::string_view bytes) {
  return std::holds_alternative<IncompleteProxyHeader>(read_proxy_header(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = read_proxy_header(bytes);
  if (const auto* header = std::get_if<ProxyHeader>(&whole)) {
    require(header->size <= size, "a header is no longer than what came");
    require(begins_proxy_header(bytes), "a header begins like one");
    require(is_incomplete(bytes.substr(0, header->size - 1)), "a header has an end");
    const auto alone = read_proxy_header(bytes.substr(0, header->size));
    const auto* same = std::get_if<ProxyHeader>(&alone);
    require(same != nullptr && same->size == header->size && same->is_encrypted == header->is_encrypted,
            "what stands behind a header does not matter");
    if (header->client)
      require(!header->client->behind_proxy().is_loopback(), "its client is never loopback");
  } else if (std::holds_alternative<IncompleteProxyHeader>(whole)) {
    require(size < 16 + 65535, "no more than that is asked for");
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 300); ++i) {
      require(is_incomplete(bytes.substr(0, i)), "its beginnings are incomplete, too");
    }
  }
  return 0;
}
