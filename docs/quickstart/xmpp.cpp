// The XMPP user of the quickstart's round trip.
//
//   xmpp PORT PASSWORD subscribe NODE     says "subscribed", then shows the payload of the next item
//   xmpp PORT PASSWORD publish NODE XML   publishes an item
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "xmpp_client.h"

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto port = static_cast<std::uint16_t>(std::stoi(arguments.at(0)));
  pubsub_mqtt::tests::XmppClient admin("admin@localhost", arguments.at(1), port);
  const std::string& node = arguments.at(3);
  if (arguments.at(2) == "publish") {
    admin.publish(node, "from-xmpp", arguments.at(4));
    return 0;
  }
  admin.subscribe(node);
  std::cout << "subscribed" << std::endl;
  std::cout << admin.next_event().payload << std::endl;
  return 0;
} catch (const std::exception& error) {
  std::cerr << "xmpp: " << error.what() << '\n';
  return 1;
}
