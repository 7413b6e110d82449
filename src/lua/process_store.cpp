#include "process_store.h"

#include <pthread.h>

#include <memory>
#include <utility>

namespace pubsub_mqtt::lua {
namespace {

ProcessStore* the_store = nullptr;

// Prosody 0.12 forks after its stores were in use, and an SQLite connection must not be used on both sides.
void before_fork() {
  if (the_store == nullptr || the_store->store.is_started()) return;
  the_store->items.close_before_fork();
  the_store->store.close_before_fork();
}

}  // namespace

ProcessStore* open_process_store(store::Settings settings, store::Access access, std::vector<LogLine>& log) {
  if (the_store != nullptr) return the_store;
  auto opened = std::make_unique<ProcessStore>(std::move(settings), access);
  const bool is_open = opened->store.open_for_items(access);
  opened->store.take_log(log);
  if (!is_open) return nullptr;
  pthread_atfork(before_fork, nullptr, nullptr);
  return the_store = opened.release();
}

}  // namespace pubsub_mqtt::lua
