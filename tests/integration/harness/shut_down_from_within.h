// A stop in the midst of what Prosody does: 0.12 runs its handler of SIGTERM wherever Lua runs.
#pragma once

namespace pubsub_mqtt::tests {

// Lua, for the admin shell, that has Prosody stop there, once.
inline constexpr const char* shut_down_from_within =
    "if not prosody.shutdown_reason then prosody.main_thread:run(function () prosody.unlock_globals(); "
    "prosody.shutdown('from within'); prosody.lock_globals(); end); end ";

}  // namespace pubsub_mqtt::tests
