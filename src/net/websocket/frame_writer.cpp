#include "websocket/frame_writer.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <new>

namespace pubsub_mqtt::net {
namespace {

// What wslay is told to be the payload, which it hands on and does not look at.
constexpr std::uint8_t payload_elsewhere = 0;

constexpr std::size_t max_head = 14;

ssize_t take_head(const std::uint8_t* bytes, std::size_t size, int, void* written) {
  if (bytes != &payload_elsewhere) {
    static_cast<std::string*>(written)->append(reinterpret_cast<const char*>(bytes), size);
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

FrameWriter::FrameWriter() {
  packets_.set_level(mqtt::ProtocolLevel::mqtt_5);     // which has all kinds of packets
  written_.reserve(max_head + sizeof(std::uint16_t));  // so that nothing throws among wslay's frames
  const wslay_frame_callbacks callbacks{
      .send_callback = take_head, .recv_callback = nullptr, .genmask_callback = nullptr};
  wslay_frame_context* context = nullptr;
  if (wslay_frame_context_init(&context, &callbacks, &written_) != 0) throw std::bad_alloc();
  context_.reset(context);
}

std::string_view FrameWriter::write(std::uint8_t opcode, std::size_t payload_size) {
  written_.clear();
  wslay_frame_iocb frame{};
  frame.fin = 1;
  frame.opcode = opcode;
  frame.payload_length = frame.data_length = payload_size;
  frame.data = &payload_elsewhere;
  wslay_frame_send(context_.get(), &frame);
  return written_;
}

void FrameWriter::write_head(std::size_t payload_size) {
  head_ = write(WSLAY_BINARY_FRAME, payload_size);
  size_under_head_ = payload_size;
}

std::string_view FrameWriter::ping() { return write(WSLAY_PING, 0); }

std::string_view FrameWriter::close(std::uint16_t status_code) {
  const std::uint16_t payload = htons(status_code);
  std::array<char, sizeof payload> bytes{};
  std::memcpy(bytes.data(), &payload, sizeof payload);
  write(WSLAY_CONNECTION_CLOSE, bytes.size());
  return written_.append(bytes.data(), bytes.size());
}

}  // namespace pubsub_mqtt::net
