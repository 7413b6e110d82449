#include "pubsub_mqtt/store/store.h"

#include <utility>

#include "store_thread.h"

namespace pubsub_mqtt::store {

Store::Store(Settings settings) : thread_(std::make_unique<Thread>(std::move(settings))) {}
Store::~Store() = default;

bool Store::open_for_items(Access access) { return thread_->open_for_items(access); }
std::optional<Contents> Store::open() { return thread_->open(); }
bool Store::start(std::function<void()> notify) { return thread_->start(std::move(notify)); }
CommitNumber Store::post(Unit&& unit) { return thread_->post(std::move(unit)); }
void Store::gather() { thread_->gather(); }
void Store::ask(PageRequest&& request) { thread_->ask(std::move(request)); }
void Store::take_pages(std::vector<Page>& into) { thread_->take_pages(into); }
CommitNumber Store::committed() const { return thread_->committed(); }
Metrics Store::metrics() { return thread_->metrics(); }
void Store::close_before_fork() { thread_->close_before_fork(); }
bool Store::is_started() const { return thread_->is_started(); }
bool Store::is_failing() const { return thread_->is_failing(); }
bool Store::is_full() const { return thread_->is_full(); }
WallTime Store::now() const { return thread_->now(); }
WallTime Store::committed_at() const { return thread_->committed_at(); }
std::uint64_t Store::times_others_wrote() const { return thread_->times_others_wrote(); }
bool Store::holds_items() const { return thread_->holds_items(); }
void Store::on_commit(std::function<void()> committed) { thread_->on_commit(std::move(committed)); }
void Store::on_gather(std::function<bool(bool is_last)> post_gathered) {
  thread_->on_gather(std::move(post_gathered));
}
const Settings& Store::settings() const { return thread_->settings(); }
void Store::take_log(std::vector<LogLine>& into) { thread_->take_log(into); }
void Store::stop_notifying() { thread_->stop_notifying(); }
void Store::stop(std::chrono::milliseconds patience) { thread_->stop(patience); }

}  // namespace pubsub_mqtt::store
