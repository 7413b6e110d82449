#include "proxy/proxy_header_stream.h"

#include <variant>

#include "proxy/proxy_header.h"

namespace pubsub_mqtt::net {

Stream::Status ProxyHeaderStream::receive(std::string_view bytes, std::string& above,
                                          std::string& /*answer*/) {
  if (!error_.empty()) return Status::failed;
  if (is_done_) {
    above += bytes;
    return Status::open;
  }
  header_ += bytes;
  const auto result = read_proxy_header(header_);
  if (std::holds_alternative<IncompleteProxyHeader>(result)) return Status::open;
  if (std::holds_alternative<MalformedProxyHeader>(result)) {
    is_mendable_ = true;
    error_ =
        "no header of the PROXY protocol, from one of mqtt_proxies: switch it on in the proxy, or take the "
        "proxy out";
    return Status::failed;
  }
  const auto& header = std::get<ProxyHeader>(result);
  if (!client_->set_client(header.client.value_or(client_->from()).behind_proxy())) {
    error_ = "there is no place for the client";
    return Status::failed;
  }
  if (header.is_encrypted) client_->set_encrypted(*header.is_encrypted);
  above.append(header_, header.size);
  header_ = {};
  is_done_ = true;
  return Status::open;
}

Stream::Status ProxyHeaderStream::send(SendQueue& above, SendQueue& below) {
  below.append(std::move(above));
  return Status::open;
}

}  // namespace pubsub_mqtt::net
