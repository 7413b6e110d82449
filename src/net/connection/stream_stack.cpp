#include "connection/stream_stack.h"

#include <utility>

namespace pubsub_mqtt::net {

using Status = Stream::Status;

void StreamStack::push(std::unique_ptr<Stream> stream) {
  if (!stream) return;
  stream->below_ = std::move(top_);
  top_ = std::move(stream);
}

bool StreamStack::has(std::string_view name) const {
  for (const Stream* stream = top_.get(); stream != nullptr; stream = stream->below_.get()) {
    if (stream->name() == name) return true;
  }
  return false;
}

bool StreamStack::needs_turns() const {
  for (const Stream* stream = top_.get(); stream != nullptr; stream = stream->below_.get()) {
    if (stream->needs_turns()) return true;
  }
  return false;
}

bool StreamStack::take_turn() {
  for (Stream* stream = top_.get(); stream != nullptr; stream = stream->below_.get()) {
    if (stream->needs_turns() && !stream->take_turn()) return false;
  }
  return true;
}

Status StreamStack::receive(std::string_view from_socket, std::string& above, SendQueue& to_socket) {
  if (top_) return receive(*top_, from_socket, above, to_socket);
  above += from_socket;
  return Status::open;
}

// What came before a stream below ended is received by those above it.
Status StreamStack::receive(Stream& stream, std::string_view from_socket, std::string& above,
                            SendQueue& to_socket) {
  std::string between;
  Status below = Status::open;
  if (stream.below_) {
    below = receive(*stream.below_, from_socket, between, to_socket);
    from_socket = between;
    if (from_socket.empty()) return below;
  }
  std::string said;
  const Status own = stream.receive(from_socket, above, said);
  const Status answered = answer(stream, said, to_socket);
  if (below != Status::open) return below;
  return own != Status::open ? own : answered;
}

Status StreamStack::answer(const Stream& stream, std::string_view answer, SendQueue& to_socket) {
  SendQueue queue;
  queue.push(answer);
  return send(stream.below_.get(), queue, to_socket);
}

Status StreamStack::send(SendQueue& above, SendQueue& to_socket) {
  return send(top_.get(), above, to_socket);
}

Status StreamStack::send(Stream* stream, SendQueue& above, SendQueue& to_socket) {
  if (above.empty()) return Status::open;
  if (stream == nullptr) {
    to_socket.append(std::move(above));
    return Status::open;
  }
  if (!stream->below_) return stream->send(above, to_socket);
  SendQueue between;
  const Status own = stream->send(above, between);
  const Status below = send(stream->below_.get(), between, to_socket);
  return own != Status::open ? own : below;
}

bool StreamStack::go_on(SendQueue& to_socket) {
  std::string said;
  for (Stream* stream = top_.get(); stream != nullptr; stream = stream->below_.get()) {
    if (!stream->go_on(said)) continue;
    answer(*stream, said, to_socket);
    return true;
  }
  return false;
}

// The one on top first, since its goodbye passes through the others.
void StreamStack::close(SendQueue& to_socket) {
  for (Stream* stream = top_.get(); stream != nullptr; stream = stream->below_.get()) {
    std::string goodbye;
    stream->close(goodbye);
    answer(*stream, goodbye, to_socket);
  }
}

std::unique_ptr<CertificateNames> StreamStack::take_client_names() {
  for (Stream* stream = top_.get(); stream != nullptr; stream = stream->below_.get()) {
    if (auto names = stream->take_client_names()) return names;
  }
  return nullptr;
}

std::string StreamStack::take_server_name() {
  std::string name;
  for (Stream* stream = top_.get(); stream != nullptr && name.empty(); stream = stream->below_.get()) {
    name = stream->take_server_name();
  }
  return name;
}

std::optional<Introduction> StreamStack::take_introduction() {
  for (Stream* stream = top_.get(); stream != nullptr; stream = stream->below_.get()) {
    if (auto introduction = stream->take_introduction()) return introduction;
  }
  return std::nullopt;
}

// At most one stream of a stack has a ping of its own.
std::optional<Time> StreamStack::next_ping() const {
  const Stream* stream = top_.get();
  while (stream != nullptr && !stream->next_ping()) stream = stream->below_.get();
  return stream == nullptr ? std::nullopt : stream->next_ping();
}

void StreamStack::ping(Time now, SendQueue& to_socket) {
  for (Stream* stream = top_.get(); stream != nullptr; stream = stream->below_.get()) {
    std::string said;
    stream->ping(now, said);
    answer(*stream, said, to_socket);
  }
}

void StreamStack::drop_done() {
  for (std::unique_ptr<Stream>* stream = &top_; *stream;) {
    if ((*stream)->is_done()) {
      *stream = std::move((*stream)->below_);
    } else {
      stream = &(*stream)->below_;
    }
  }
}

bool StreamStack::is_mendable() const {
  const Stream* stream = top_.get();
  while (stream != nullptr && !stream->is_mendable()) stream = stream->below_.get();
  return stream != nullptr;
}

const Stream* StreamStack::over() const {
  const Stream* stream = top_.get();
  while (stream != nullptr && stream->error().empty()) stream = stream->below_.get();
  return stream;
}

std::string StreamStack::failure() const {
  const Stream* const stream = over();
  if (stream == nullptr) return {};
  return std::string(stream->name()).append(" failed: ").append(stream->error());
}

std::string_view StreamStack::answered() const {
  const Stream* const stream = over();
  return stream == nullptr ? std::string_view() : stream->error();
}

}  // namespace pubsub_mqtt::net
