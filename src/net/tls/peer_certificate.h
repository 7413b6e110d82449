// Who the client of a TLS connection is, as its certificate says. Network thread only.
#pragma once

#include <openssl/ssl.h>

#include "pubsub_mqtt/boundary/certificate_names.h"

namespace pubsub_mqtt::net {

// Of the certificate that the client has sent, where the server's settings asked for one and it was verified.
// None: no names.
CertificateNames verified_names(const SSL* ssl);

// Names that are not what their type says are left out: bytes that are no UTF-8 (no ASCII in an IA5String),
// and U+0000, in front of which other software may see another name.
CertificateNames certificate_names(const X509* certificate);

}  // namespace pubsub_mqtt::net
