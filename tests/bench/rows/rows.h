// All rows, each kind in a file of its own.
#pragma once

#include <vector>

#include "row.h"

namespace pubsub_mqtt::bench {

std::vector<Row> one_to_one_rows();
std::vector<Row> fan_out_rows();
std::vector<Row> through_pubsub_rows();
std::vector<Row> no_xmpp_subscriber_rows();
std::vector<Row> idle_rows();
std::vector<Row> websocket_rows();
std::vector<Row> ping_rows();
std::vector<Row> growth_rows();
std::vector<Row> memory_rows();
std::vector<Row> version_rows();
std::vector<Row> mounted_rows();
std::vector<Row> attack_rows();
std::vector<Row> durable_rows();
std::vector<Row> durable_puback_rows();
std::vector<Row> durable_start_rows();
std::vector<Row> scale_rows();
std::vector<Row> persisting_rows();
std::vector<Row> persisting_publish_rows();
std::vector<Row> persisting_ping_rows();

}  // namespace pubsub_mqtt::bench
