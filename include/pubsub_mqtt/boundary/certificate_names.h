// Who a client certificate says the client is: names of its subjectAltName (RFC 5280, 4.2.1.6). Only of a
// certificate that was verified (X509_V_OK); as they stand there, not normalised yet. Values; any thread.
#pragma once

#include <string>
#include <vector>

namespace pubsub_mqtt {

struct CertificateNames {
  std::vector<std::string> xmpp_addresses;  // id-on-xmppAddr (RFC 6120, 13.7.1.4)
  std::vector<std::string> dns_names;       // dNSName
  std::vector<std::string> emails;          // rfc822Name

  bool empty() const { return xmpp_addresses.empty() && dns_names.empty() && emails.empty(); }
};

}  // namespace pubsub_mqtt
