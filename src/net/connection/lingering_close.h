// The end of a connection to whose client something was said last: why it was refused, why it is closed, or the goodbye
// of TLS or WebSocket. A socket that is closed while bytes of the client's are on their way resets the connection, and
// a reset can take from the client what it has not read yet. So the server stops sending, takes what still comes, and
// drops it, until the client closes, or for a while (RFC 9112, section 9.6, for the same reason). Network thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "connection/client_socket.h"
#include "pubsub_mqtt/base/time.h"

namespace pubsub_mqtt::net {

class LingeringClose {
 public:
  // Then the caller closes the socket, whatever the client does.
  static constexpr Time longest = std::chrono::seconds(1);

  // The last byte has left.
  void begin(ClientSocket& socket);
  bool has_begun() const { return units_ > 0; }

  // Takes what has come, `into` the buffer and no further. Returns false where the socket is to be closed: the client
  // has closed, or sends and sends.
  bool drop_input(ClientSocket& socket, std::span<char> into);

 private:
  std::uint16_t units_ = 0;  // of input, each of a KiB or a read of less; in the connection's padding
};

}  // namespace pubsub_mqtt::net
