// Wills of clients that have just connected. A will is judged when it is published; one that can never be published
// is worth a warning now. Prosody's thread only.
#pragma once

#include <deque>
#include <string_view>

#include "clients.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class AnnouncedWills {
 public:
  AnnouncedWills(const Shared& shared, const Clients& clients) : shared_(shared), clients_(clients) {}

  void add(AnnounceWill&& will);

  // Looks at one. Returns false where there is none.
  bool step();

 private:
  std::string_view fault(const AnnounceWill& announced) const;

  const Shared& shared_;
  const Clients& clients_;
  std::deque<AnnounceWill> waiting_;
};

}  // namespace pubsub_mqtt::hub
