#include "responder.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "pubsub_mqtt/base/printable.h"
#include "pubsub_mqtt/mqtt/properties.h"
#include "work.h"

namespace pubsub_mqtt::hub {
namespace {

using mqtt::PropertyIdentifier;

// However much the client takes.
constexpr std::size_t most_bytes = 256 * KiB;

// Of the answer's packet, beside its topic, its properties and its payload: headers, and the identifiers of a few
// subscriptions.
constexpr std::size_t around_it = 128;

mqtt::Properties properties_of(const PublishRequest& request) {
  const auto& properties = request.publication.envelope.properties;
  return properties == nullptr ? mqtt::Properties() : mqtt::Properties(*properties);
}

std::string_view response_topic(const PublishRequest& request) {
  return properties_of(request).bytes(PropertyIdentifier::response_topic).value_or("");
}

// Why there can be no answer; empty: there can.
std::string_view fault_of(const PublishRequest& request) {
  if (request.publication.topic.starts_with(topic::response_prefix))
    return "the server alone publishes below $pubsub/reply/";
  const auto to = response_topic(request);
  if (!to.starts_with(topic::response_prefix) || to.size() == topic::response_prefix.size()) {
    return "a request below $pubsub/ has a Response Topic below $pubsub/reply/, as clients of MQTT 5.0 may "
           "send";
  }
  if (request.publication.envelope.retain) return "a request is not retained";
  return {};
}

std::shared_ptr<const std::string> response_properties(const PublishRequest& request) {
  std::string encoded;
  mqtt::append({.identifier = PropertyIdentifier::content_type, .value = "application/json"}, encoded);
  if (const auto data = properties_of(request).bytes(PropertyIdentifier::correlation_data)) {
    mqtt::append({.identifier = PropertyIdentifier::correlation_data, .value = *data}, encoded);
  }
  return std::make_shared<const std::string>(std::move(encoded));
}

// How large an answer may be, so that the client takes its packet.
std::size_t room_for_answer(const PublishRequest& request) {
  const std::size_t around = around_it + properties_of(request).encoded().size();
  return request.max_packet_size > around ? std::min(request.max_packet_size - around, most_bytes) : 0;
}

std::size_t work_of(std::chrono::nanoseconds took) {
  constexpr std::chrono::nanoseconds unit{100};  // as work.h has it
  return static_cast<std::size_t>(took / unit);
}

PublishReply reply_to(const PublishRequest& request) {
  PublishReply reply;
  reply.ticket = request.ticket;
  reply.topic = request.publication.topic;
  return reply;
}

}  // namespace

bool Responder::carry_out(const Client& client, const PublishRequest& request) {
  if (const auto fault = fault_of(request); !fault.empty()) {
    refuse(client, request, fault);
    return true;
  }
  const auto& publication = request.publication;
  auto answer = shared_.service.answer({.session = client.session,
                                        .topic = publication.topic,
                                        .account = client.account,
                                        .payload = publication.payload,
                                        .most_bytes = room_for_answer(request)});
  shared_.work += work_of(answer.took);
  if (!answer.json) return false;
  ++shared_.metrics.accepted_publishes;
  PublishReply reply = reply_to(request);
  reply.response = Publication{.topic = std::string(response_topic(request)),
                               .payload = std::move(*answer.json),
                               .envelope = {.properties = response_properties(request)}};
  shared_.deliveries.emplace_back(std::move(reply));
  return true;
}

void Responder::refuse(const Client& client, const PublishRequest& request, std::string_view why) {
  log_refusal(shared_, client, "PUBLISH", printable(request.publication.topic), why);
  PublishReply reply = reply_to(request);
  reply.outcome = PublishReply::Outcome::refused;
  reply.reason = mqtt::Reason::implementation_specific_error;
  reply.reason_string = why;
  shared_.metrics.refused_publishes.add(reply.reason);
  shared_.deliveries.emplace_back(std::move(reply));
}

bool Responder::drop(const PublishRequest& request) {
  if (!is_asked(request)) return false;
  shared_.service.forget_inquiry(request.ticket.session);
  shared_.deliveries.emplace_back(reply_to(request));
  return true;
}

}  // namespace pubsub_mqtt::hub
