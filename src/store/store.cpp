#include "pubsub_mqtt/store/store.h"

#include <utility>

#include "store_thread.h"

namespace pubsub_mqtt::store {

Store::Store(Settings settings) : thread_(std::make_unique<Thread>(std::move(settings))) {}
Store::~Store() = default;

std::optional<Contents> Store::open() { return thread_->open(); }
bool Store::start(std::function<void()> notify) { return thread_->start(std::move(notify)); }
CommitNumber Store::post(Unit unit) { return thread_->post(std::move(unit)); }
CommitNumber Store::committed() const { return thread_->committed(); }
void Store::take_log(std::vector<LogLine>& into) { thread_->take_log(into); }
void Store::stop_notifying() { thread_->stop_notifying(); }
void Store::stop(std::chrono::milliseconds patience) { thread_->stop(patience); }

}  // namespace pubsub_mqtt::store
