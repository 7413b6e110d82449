// What a client of WebSocket sends behind its request: whole and byte by byte it must carry the same and end where
// the other ends, by one reader and by one that is let go whenever it is at rest.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "require.h"
#include "websocket/frame_reader.h"

namespace {

using namespace pubsub_mqtt::net;
using Status = FrameReader::Status;

constexpr std::string_view bad_text = "\x88\x02\x03\xef";  // Close with 1007

struct Reading {
  Status status = Status::open;
  bool is_at_rest = true;
  std::string payload = {};
  std::string answer = {};
};

Reading read(std::string_view bytes, std::size_t at_a_time, bool lets_go) {
  static FrameWriter writer;
  Reading reading;
  std::unique_ptr<FrameReader> reader;
  while (!bytes.empty() && reading.status == Status::open) {
    if (!reader) reader = std::make_unique<FrameReader>(writer);
    reading.status = reader->read(bytes.substr(0, at_a_time), reading.payload, reading.answer);
    require((reading.status == Status::failed) == !reader->error().empty(), "a failure says what it is");
    bytes.remove_prefix(std::min(at_a_time, bytes.size()));
    reading.is_at_rest = reader->is_at_rest();
    if (reading.is_at_rest && lets_go) reader.reset();
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Reading whole = read(bytes, size, false);
  require(whole.payload.size() <= size, "nothing comes from nowhere");
  require(whole.status == Status::open || !whole.answer.empty(), "the end is told");
  // wslay looks at a Close's text only where it comes at once.
  if (whole.answer.ends_with(bad_text)) return 0;
  for (const bool lets_go : {false, true}) {
    const Reading other = read(bytes, 1, lets_go);
    require(other.payload == whole.payload, "the same payload");
    require(other.status == whole.status, "the same end");
    require(whole.status != Status::open || other.is_at_rest == whole.is_at_rest, "the same rest");
    require(whole.status != Status::open || other.answer == whole.answer, "the same answers");
  }
  return 0;
}
