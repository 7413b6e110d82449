// WebSocket, as cheap for a client as can be: the server is to be measured. It masks with zeroes, asks for the upgrade
// together with its first frame, and reads frames of the server's in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pubsub_mqtt::bench {

class WebSocket {
 public:
  // What is to be written so that `payload` is, as one frame, from the first byte that `sent()` has not counted. While
  // it is not all sent, the payload must begin with the same bytes.
  std::string_view frame(std::string_view payload);
  // Returns how much of the payload is sent: all of the frame's, or nothing yet.
  std::size_t sent(std::size_t bytes);

  // Takes out of what was read all that is no payload. Returns the size of what is left, at the front. Throws
  // std::runtime_error where the server refused the upgrade.
  std::size_t unframe(std::span<char> bytes);

 private:
  bool is_upgraded(std::string_view& bytes);

  std::string unsent_;            // of the request and the frame
  std::size_t payload_size_ = 0;  // in it
  bool has_asked_ = false;
  bool is_upgraded_ = false;
  std::string head_;        // what came of the answer's head, or of a frame's
  std::uint64_t left_ = 0;  // of the frame's payload
};

}  // namespace pubsub_mqtt::bench
