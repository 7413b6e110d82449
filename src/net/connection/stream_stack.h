// The streams of one connection, from the socket at the bottom to MQTT at the top. An empty stack is plain
// TCP, passes everything through and owns no memory. Network thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connection/send_queue.h"
#include "connection/stream.h"
#include "pubsub_mqtt/boundary/certificate_names.h"

namespace pubsub_mqtt::net {

class StreamStack {
 public:
  // Onto the others; nullptr is no stream.
  void push(std::unique_ptr<Stream> stream);

  bool empty() const { return top_ == nullptr; }
  // By Stream::name().
  bool has(std::string_view name) const;

  // Of all streams: see Stream.
  bool needs_turns() const;
  bool take_turn();
  Stream::Status receive(std::string_view from_socket, std::string& above, SendQueue& to_socket);
  std::string_view head(std::string_view packets) { return top_ ? top_->head(packets) : std::string_view(); }
  Stream::Status send(SendQueue& above, SendQueue& to_socket);
  bool go_on(SendQueue& to_socket);
  void close(SendQueue& to_socket);
  std::unique_ptr<CertificateNames> take_client_names();
  std::string take_server_name();
  std::optional<Introduction> take_introduction();
  std::optional<Time> next_ping() const;
  void ping(Time now, SendQueue& to_socket);
  // Lets go of those that have nothing more to do.
  void drop_done();
  // After a stream failed, which one and why: "TLS failed: http request".
  std::string failure() const;
  // After one has answered, what.
  std::string_view answered() const;
  // Whether an administrator can mend it: see Stream.
  bool is_mendable() const;

 private:
  static Stream::Status receive(Stream& stream, std::string_view from_socket, std::string& above,
                                SendQueue& to_socket);
  static Stream::Status send(Stream* stream, SendQueue& above, SendQueue& to_socket);
  static Stream::Status answer(const Stream& stream, std::string_view answer, SendQueue& to_socket);

  const Stream* over() const;

  std::unique_ptr<Stream> top_;
};

}  // namespace pubsub_mqtt::net
