// A layer of bytes between a client's socket and MQTT: TLS is one. Without a socket and without a clock of
// its own: bytes in, bytes out, so that streams can be stacked (StreamStack). Network thread only.
//
// A connection without streams is plain TCP. What comes next is a stream, too, and nothing else changes:
// - WebSocket (RFC 6455) sits on top, above TLS or plain TCP. receive() answers the HTTP request and the
//   control frames in `answer`, and appends what the frames carry; send() pushes the head of a frame and then
//   moves the pieces of its payload, so that a large shared one is still not copied.
// - A header of the PROXY protocol sits below all others. receive() takes it off the front and passes on what
//   is behind it; send() passes on everything. What it says of the client goes up as take_client_names()
//   does. It is read only when the streams above have their turn, too.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "connection/send_queue.h"
#include "pubsub_mqtt/boundary/certificate_names.h"

namespace pubsub_mqtt::net {

class Stream {
 public:
  enum class Status {
    open,    // go on
    closed,  // the client said goodbye in the stream's own way; whatever comes after it is ignored
    failed,  // for good; error() tells
  };

  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  // Whether the stream may have to wait for its turn before it takes bytes, since they may be costly. Then
  // take_turn() is called when the client has sent some, and the socket keeps them until it returns true: that
  // is good for the next receive().
  virtual bool needs_turns() const { return false; }
  virtual bool take_turn() { return true; }

  // Takes bytes from below. Appends what they carry to `above`, and what must be sent in answer to `answer`,
  // also when it fails.
  virtual Status receive(std::string_view bytes, std::string& above, std::string& answer) = 0;

  // Moves all of `above` to the end of `below`, in the stream's own form. Called once a turn of the loop with
  // all that waits.
  virtual Status send(SendQueue& above, SendQueue& below) = 0;

  // Says goodbye in the stream's own way, once, after everything was sent; nothing where there is nobody to
  // say it to.
  virtual void close(std::string& answer) = 0;

  // Who the client is, as the stream has verified it: once, with the first bytes for above. nullptr: the
  // stream does not know.
  virtual std::unique_ptr<CertificateNames> take_client_names() { return nullptr; }

  // The host that the client has named, as TLS does (SNI, RFC 6066, section 3): once, as above. Empty: none.
  virtual std::string take_server_name() { return {}; }

  // For log lines: "TLS".
  virtual std::string_view name() const = 0;

  // What went wrong, after it failed, for a debug log line; holds nothing secret and no bytes of the
  // client's.
  virtual std::string_view error() const = 0;

  // Whether an administrator can mend what went wrong: error() is one of a few literals then.
  virtual bool is_mendable() const { return false; }

 private:
  friend class StreamStack;
  std::unique_ptr<Stream> below_;
};

}  // namespace pubsub_mqtt::net
