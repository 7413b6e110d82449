#include "outside_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace pubsub_mqtt::tests {

std::string outside_address() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) throw std::runtime_error("the machine's addresses cannot be read");
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    const bool is_ipv4 = each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET;
    if (!is_ipv4 || (each->ifa_flags & IFF_LOOPBACK) != 0 || (each->ifa_flags & IFF_UP) == 0) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    const auto& address = reinterpret_cast<const sockaddr_in&>(*each->ifa_addr).sin_addr;
    if (inet_ntop(AF_INET, &address, text.data(), text.size()) != nullptr) return text.data();
  }
  throw std::runtime_error("this test needs an IPv4 address besides loopback's");
}

}  // namespace pubsub_mqtt::tests
