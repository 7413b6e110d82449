// Frames of WebSocket from a client (RFC 6455, section 5), read as they come: what they carry is handed on at once,
// and only control frames are kept until they are whole. Network thread only.
#pragma once

#include <wslay/wslay.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "websocket/frame_writer.h"

namespace pubsub_mqtt::net {

class FrameReader {
 public:
  enum class Status { open, closed, failed };

  // Throws std::bad_alloc. The writer outlives this.
  explicit FrameReader(FrameWriter& writer);
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;
  ~FrameReader() = default;

  // Appends what the frames carry to `payload`, and to `answer` the frames that answer a Ping, a Close, or what
  // breaks the rules. Not to be called again once it is closed or failed. Throws std::bad_alloc.
  Status read(std::string_view bytes, std::string& payload, std::string& answer);

  // Whether nothing is left of what was read: a reader that is new does as well then. This one has 9 kB.
  bool is_at_rest() const { return bytes_of_frame_ == 0 && !is_in_message_; }

  // Why it failed: a string literal.
  std::string_view error() const { return error_; }

 private:
  struct FreeContext {
    void operator()(wslay_event_context* context) const { wslay_event_context_free(context); }
  };
  struct Work;
  struct Callbacks;

  void begin_frame(const wslay_event_on_frame_recv_start_arg& frame);
  void end_frame();
  void refuse(std::uint16_t status_code, std::string_view error);

  FrameWriter& writer_;
  std::unique_ptr<wslay_event_context, FreeContext> context_;
  Work* work_ = nullptr;              // during read()
  std::uint64_t bytes_of_frame_ = 0;  // that were read, of one that is not complete, and of those behind it
  std::uint64_t frame_size_ = 0;      // of the one that is being read
  bool is_control_ = false;           // likewise
  bool is_in_message_ = false;        // after a fragment that was not the last
  std::string_view error_;
};

}  // namespace pubsub_mqtt::net
