// What tests of a TlsStream share: servers' settings made into contexts, and what a working conversation is.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "certificates.h"
#include "conversation.h"
#include "tls/tls_stream.h"

namespace pubsub_mqtt::tests {

using net::SslContext;
using net::TlsContexts;
using net::TlsSettings;
using net::TlsStream;
using Status = TlsStream::Status;

class TlsStreamTest : public testing::Test {
 protected:
  // Settings of a server with a certificate for `name`.
  TlsSettings server(const std::string& name) {
    const Identity identity = make_identity({.name = name});
    TlsSettings settings;
    settings.certificate = folder.write(name + ".crt", pem(identity.certificate));
    settings.key = folder.write(name + ".key", pem(identity.key));
    return settings;
  }

  static SslContext make(const TlsSettings& settings) {
    std::vector<std::string> warnings;
    auto made = net::make_tls_context(settings, warnings);
    EXPECT_TRUE(warnings.empty());
    if (const auto* error = std::get_if<net::TlsContextError>(&made)) ADD_FAILURE() << error->reason;
    return std::get<SslContext>(std::move(made));
  }

  static std::shared_ptr<TlsContexts> contexts(const TlsSettings& fallback,
                                               const std::map<std::string, TlsSettings>& hosts = {}) {
    auto made = std::make_shared<TlsContexts>();
    made->fallback = make(fallback);
    for (const auto& [name, settings] : hosts) made->by_host[name] = make(settings);
    return made;
  }

  TemporaryFolder folder;
};

inline void expect_works(Conversation& conversation) {
  conversation.run();
  ASSERT_EQ(conversation.stream.error(), "");
  ASSERT_TRUE(conversation.stream.handshake_done());
  ASSERT_TRUE(conversation.client.handshake_done());
  conversation.client.write("from the client");
  conversation.run();
  conversation.send("from the server");
  conversation.run();
  EXPECT_EQ(conversation.status, Status::open);
  EXPECT_EQ(conversation.received, "from the client");
  EXPECT_EQ(conversation.client.received(), "from the server");
}

// Runs and returns the stream's error.
inline std::string refusal(Conversation& conversation) {
  conversation.run();
  EXPECT_EQ(conversation.status, Status::failed);
  EXPECT_FALSE(conversation.stream.handshake_done());
  EXPECT_EQ(conversation.received, "");
  return std::string(conversation.stream.error());
}

}  // namespace pubsub_mqtt::tests
