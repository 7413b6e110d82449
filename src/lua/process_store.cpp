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
  the_store->retained.close();
  the_store->store.close_before_fork();
}

}  // namespace

ProcessStore& process_store(store::Settings settings, store::Access access) {
  if (the_store == nullptr) {
    the_store = std::make_unique<ProcessStore>(std::move(settings), access).release();
    pthread_atfork(before_fork, nullptr, nullptr);
  }
  return *the_store;
}

ProcessStore* known_process_store() { return the_store; }

ProcessStore* process_store_with_items() {
  return the_store != nullptr && the_store->is_open_for_items ? the_store : nullptr;
}

ProcessStore* open_process_store(store::Settings settings, store::Access access, std::vector<LogLine>& log) {
  ProcessStore& process = process_store(std::move(settings), access);
  process.is_open_for_items = process.store.open_for_items(access);
  process.store.take_log(log);
  return process.is_open_for_items ? &process : nullptr;
}

}  // namespace pubsub_mqtt::lua
