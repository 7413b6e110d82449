// Frames of WebSocket from the server (RFC 6455, section 5): not masked, not fragmented. One serves all connections.
// Network thread only.
#pragma once

#include <wslay/wslay.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"

namespace pubsub_mqtt::net {

class FrameWriter {
 public:
  // Throws std::bad_alloc.
  FrameWriter();
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;
  ~FrameWriter() = default;

  // What stands before so many bytes of MQTT. Good until the next call. The same for all subscribers of a message.
  std::string_view head(std::size_t payload_size) {
    if (payload_size != size_under_head_) write_head(payload_size);
    return head_;
  }

  // Of the packet that begins so; 0: these are too few bytes to tell.
  std::size_t packet_size(std::string_view begin) const {
    return mqtt::is_one_short_packet(begin) ? begin.size() : packets_.start(begin).size;
  }

  // Whole frames. Good until the next call.
  std::string_view ping();
  std::string_view close(std::uint16_t status_code);

 private:
  struct FreeContext {
    void operator()(wslay_frame_context* context) const { wslay_frame_context_free(context); }
  };
  std::string_view write(std::uint8_t opcode, std::size_t payload_size);
  void write_head(std::size_t payload_size);

  std::string written_;
  std::string head_;
  std::optional<std::size_t> size_under_head_;
  mqtt::PacketReader packets_{largest_packet};
  std::unique_ptr<wslay_frame_context, FreeContext> context_;
};

}  // namespace pubsub_mqtt::net
