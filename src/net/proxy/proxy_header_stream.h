// Takes the header of the PROXY protocol off the front of a connection from one of mqtt_proxies. At the bottom, below
// TLS; when it has the header it leaves. Network thread only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "admission/arrival.h"
#include "connection/stream.h"

namespace pubsub_mqtt::net {

class ProxyHeaderStream final : public Stream {
 public:
  explicit ProxyHeaderStream(std::shared_ptr<Arrival> client) : client_(std::move(client)) {}

  // Stream. A client that is not let in fails like a header that is none.
  Status receive(std::string_view bytes, std::string& above, std::string& answer) override;
  Status send(SendQueue& above, SendQueue& below) override;
  void close(std::string& /*answer*/) override {}
  std::optional<Introduction> take_introduction() override { return client_->take_news(); }
  bool is_done() const override { return is_done_; }
  std::string_view name() const override { return "PROXY"; }
  std::string_view error() const override { return error_; }
  bool is_mendable() const override { return is_mendable_; }

 private:
  std::shared_ptr<Arrival> client_;
  std::string header_;      // what came of it
  std::string_view error_;  // a string literal
  bool is_mendable_ = false;
  bool is_done_ = false;
};

}  // namespace pubsub_mqtt::net
