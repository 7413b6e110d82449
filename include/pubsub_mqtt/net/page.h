// The page that shows what is there, as files that the ports of MQTT serve over HTTP (docs/configuration.md, "The
// page"). Values that nobody changes; any thread.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace pubsub_mqtt::net {

struct PageFile {
  std::string media_type;  // as Content-Type has it
  std::string bytes;
  std::string compressed;  // the same with gzip (RFC 1952); empty: there is none
  std::string tag;         // of these bytes, and no others: hexadecimal
};

// Throws std::bad_alloc, and std::runtime_error where OpenSSL has no SHA-256.
PageFile make_page_file(std::string media_type, std::string bytes, std::string compressed);

// By their paths: "/index.html", which is "/" as well.
using Page = std::map<std::string, PageFile, std::less<>>;

}  // namespace pubsub_mqtt::net
