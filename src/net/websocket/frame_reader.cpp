#include "websocket/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace pubsub_mqtt::net {
namespace {

// What stands before a client's payload: two bytes, a longer length, and the mask (RFC 6455, section 5.2).
std::uint64_t head_size(std::uint64_t payload_size) {
  constexpr std::uint64_t short_size = 2 + 4;
  if (payload_size < 126) return short_size;
  return short_size + (payload_size <= 0xffff ? 2 : 8);
}

constexpr std::string_view broken_rules = "a frame that breaks the rules of WebSocket (RFC 6455)";

}  // namespace

struct FrameReader::Work {
  std::string_view input;
  std::string& payload;
  std::string& answer;
  bool lacks_memory = false;

  // No C++ exception across wslay's frames.
  bool append(std::string& to, const std::uint8_t* bytes, std::size_t size) noexcept {
    try {
      to.append(reinterpret_cast<const char*>(bytes), size);
    } catch (...) {
      lacks_memory = true;
    }
    return !lacks_memory;
  }
};

struct FrameReader::Callbacks {
  static ssize_t receive(wslay_event_context* context, std::uint8_t* into, std::size_t size, int,
                         void* user_data) {
    auto& reader = *static_cast<FrameReader*>(user_data);
    std::string_view& input = reader.work_->input;
    if (input.empty()) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    const std::size_t taken = std::min(size, input.size());
    std::memcpy(into, input.data(), taken);
    input.remove_prefix(taken);
    reader.bytes_of_frame_ += taken;
    return static_cast<ssize_t>(taken);
  }

  static ssize_t send(wslay_event_context* context, const std::uint8_t* bytes, std::size_t size, int,
                      void* user_data) {
    Work& work = *static_cast<FrameReader*>(user_data)->work_;
    if (work.append(work.answer, bytes, size)) return static_cast<ssize_t>(size);
    wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
  }

  static void begin_frame(wslay_event_context*, const wslay_event_on_frame_recv_start_arg* frame,
                          void* user_data) {
    static_cast<FrameReader*>(user_data)->begin_frame(*frame);
  }

  static void take_chunk(wslay_event_context* context, const wslay_event_on_frame_recv_chunk_arg* chunk,
                         void* user_data) {
    auto& reader = *static_cast<FrameReader*>(user_data);
    if (reader.is_control_ || !reader.error_.empty()) return;
    if (!reader.work_->append(reader.work_->payload, chunk->data, chunk->data_length)) {
      wslay_event_shutdown_read(context);
    }
  }

  static void end_frame(wslay_event_context*, void* user_data) {
    static_cast<FrameReader*>(user_data)->end_frame();
  }
};

FrameReader::FrameReader(FrameWriter& writer) : writer_(writer) {
  const wslay_event_callbacks callbacks{.recv_callback = Callbacks::receive,
                                        .send_callback = Callbacks::send,
                                        .genmask_callback = nullptr,
                                        .on_frame_recv_start_callback = Callbacks::begin_frame,
                                        .on_frame_recv_chunk_callback = Callbacks::take_chunk,
                                        .on_frame_recv_end_callback = Callbacks::end_frame,
                                        .on_msg_recv_callback = nullptr};
  wslay_event_context* context = nullptr;
  if (wslay_event_context_server_init(&context, &callbacks, this) != 0) throw std::bad_alloc();
  context_.reset(context);
  wslay_event_config_set_no_buffering(context, 1);
  // How long a message is does not matter: it is not kept, and MQTT's packets have limits of their own.
  wslay_event_config_set_max_recv_msg_length(context, std::numeric_limits<std::uint64_t>::max());
}

// What wslay lets pass.
void FrameReader::begin_frame(const wslay_event_on_frame_recv_start_arg& frame) {
  frame_size_ = head_size(frame.payload_length) + frame.payload_length;
  is_control_ = wslay_is_ctrl_frame(frame.opcode) != 0;
  if (!is_control_) is_in_message_ = frame.fin == 0;
  if (frame.opcode == WSLAY_TEXT_FRAME) {
    refuse(WSLAY_CODE_UNSUPPORTED_DATA, "a text frame, where MQTT is binary [MQTT-6.0.0-1]");
  } else if (frame.opcode == WSLAY_CONNECTION_CLOSE && frame.payload_length == 1) {
    refuse(WSLAY_CODE_PROTOCOL_ERROR, broken_rules);  // half a status code (RFC 6455, section 5.5.1)
  }
}

void FrameReader::refuse(std::uint16_t status_code, std::string_view error) {
  error_ = error;
  wslay_event_shutdown_read(context_.get());
  wslay_event_queue_close(context_.get(), status_code, nullptr, 0);
}

void FrameReader::end_frame() { bytes_of_frame_ -= frame_size_; }

FrameReader::Status FrameReader::read(std::string_view bytes, std::string& payload, std::string& answer) {
  payload.reserve(payload.size() + bytes.size());  // once, for what comes in chunks of wslay's
  Work work{.input = bytes, .payload = payload, .answer = answer};
  work_ = &work;
  const int received = wslay_event_recv(context_.get());
  // Of a frame that it cannot read, wslay would not say what is wrong.
  const bool is_unreadable = received == WSLAY_ERR_CALLBACK_FAILURE;
  const int sent = is_unreadable ? 0 : wslay_event_send(context_.get());
  work_ = nullptr;
  if (work.lacks_memory || received == WSLAY_ERR_NOMEM || sent == WSLAY_ERR_NOMEM) throw std::bad_alloc();
  if (is_unreadable) answer.append(writer_.close(WSLAY_CODE_PROTOCOL_ERROR));
  if (wslay_event_get_read_enabled(context_.get()) != 0) return Status::open;
  if (wslay_event_get_close_received(context_.get()) != 0 && error_.empty()) return Status::closed;
  if (error_.empty()) error_ = broken_rules;
  return Status::failed;
}

}  // namespace pubsub_mqtt::net
