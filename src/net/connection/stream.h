// A layer of bytes between a client's socket and MQTT: TLS is one. Without a socket and without a clock of
// its own: bytes in, bytes out, so that streams can be stacked (StreamStack). Network thread only.
//
// A connection without streams is plain TCP. A stream that has nothing more to do leaves the stack: the header of the
// PROXY protocol, below all others, when it was read, and WebSocket, on top, when the client speaks MQTT without.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "admission/arrival.h"
#include "connection/send_queue.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/certificate_names.h"

namespace pubsub_mqtt::net {

class Stream {
 public:
  enum class Status {
    open,      // go on
    closed,    // the client said goodbye in the stream's own way; whatever comes after it is ignored
    answered,  // the client is told what it asked for, and that is all; error() tells what
    failed,    // for good; error() tells
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

  // On top: what is to stand before bytes of the session, whole packets or a part of one. Good until the next call.
  virtual std::string_view head(std::string_view /*packets*/) { return {}; }

  // Moves all of `above` to the end of `below`, in the stream's own form. Called once a turn of the loop with
  // all that waits.
  virtual Status send(SendQueue& above, SendQueue& below) = 0;

  // Appends the next part of what the stream says by itself before its goodbye, so that a client that does not read
  // costs no more memory than a part. False: nothing is left.
  virtual bool go_on(std::string& /*answer*/) { return false; }

  // Says goodbye in the stream's own way, once, after everything was sent; nothing where there is nobody to
  // say it to.
  virtual void close(std::string& answer) = 0;

  // Who the client is, as the stream has verified it: once, with the first bytes for above. nullptr: the
  // stream does not know.
  virtual std::unique_ptr<CertificateNames> take_client_names() { return nullptr; }

  // The host that the client has named, as TLS does (SNI, RFC 6066, section 3): once, as above. Empty: none.
  virtual std::string take_server_name() { return {}; }

  // What else the stream has learned of the client since it was asked before.
  virtual std::optional<Introduction> take_introduction() { return std::nullopt; }

  // Whether it passes on everything from now on, both ways, and may go.
  virtual bool is_done() const { return false; }

  // When the client is to hear from the stream, so that those in between see life; nullopt: never.
  virtual std::optional<Time> next_ping() const { return std::nullopt; }
  virtual void ping(Time /*now*/, std::string& /*answer*/) {}

  // For log lines: "TLS".
  virtual std::string_view name() const = 0;

  // What went wrong, after it failed, or what was answered, for a debug log line; holds nothing secret and no bytes of
  // the client's.
  virtual std::string_view error() const = 0;

  // Whether an administrator can mend what went wrong: error() is one of a few literals then.
  virtual bool is_mendable() const { return false; }

 private:
  friend class StreamStack;
  std::unique_ptr<Stream> below_;
};

}  // namespace pubsub_mqtt::net
