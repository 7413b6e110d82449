// The certificates that a TLS port presents, and where they were read: at a reload one that cannot be used any more
// is not missed, since the old one stays. As Prosody's own services do: an error while certificates are replaced
// shuts nobody out.
//
// Prosody's thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pubsub_mqtt/net/tls_context.h"

namespace pubsub_mqtt::lua {

// A context, and the paths of its certificate and key; these are empty where it has none.
struct LoadedContext {
  net::SslContext context;
  std::string certificate;
  std::string key;
};

LoadedContext share(const LoadedContext& loaded);

struct PortCertificates {
  LoadedContext fallback;
  std::map<std::string, LoadedContext, std::less<>> by_host;

  // For the network thread.
  std::shared_ptr<const net::TlsContexts> contexts() const;
};

// The subjectAltName's dNSNames of the certificate that it presents.
std::vector<std::string> host_names(const LoadedContext& loaded);

// Why `old` goes on being presented to those who ask for `names` although `found` is what Prosody looks for and finds
// now; nullopt where `found` takes its place. One whose file is gone, expired or no certificate is not given up for
// none, nor for another that is not for these names.
std::optional<std::string> reason_to_keep(const LoadedContext& old, const LoadedContext& found,
                                          const std::vector<std::string>& names);

}  // namespace pubsub_mqtt::lua
