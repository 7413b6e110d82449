-- MQTT for Prosody's pubsub
--
-- The work is done in pubsub_mqtt.so; here is what only a Prosody module can do: settings, ports, certificates, pubsub
-- services and the main loop. docs/architecture.md tells how the two halves meet.

module:set_global();

local array = require "util.array";
local cache = require "util.cache";
local configmanager = require "core.configmanager";
local it = require "util.iterators";
local modulemanager = require "core.modulemanager";
local random = require "util.random";
local server = require "net.server";
local st = require "util.stanza";
local timer = require "util.timer";

local version = module:require "version"; -- of the library, too

-- What a reload hands on. Hosts and the global module are reloaded one by one, in any order, so that functions of
-- the old module and of the new one meet in this table:
--   core      the gateway itself, a userdata; nil once it has stopped
--   services  host -> pubsub service, where the module is enabled
--   watched   host -> what observers.watch() returned
--   reloading host -> true, between the unload and the load of a reload
--   is_started  the core has its threads and its store
--   unsaved   host -> node -> retained message of before that, or false if none is left
--   unmarked  host -> node -> true, where a retained message is in the store and the node's identity is not in pubsub's
--   unrestored  host -> where the core does not know yet what all its nodes retain, see retained.lib.lua
--   unstored  configurations of nodes whose identity is not in pubsub's store yet, see current_item.lib.lua
--   disabled  account -> true, where the administrator has disabled or deleted it
--   logging_in  logins that are not decided yet, see login_attempts.lib.lua
--   exchanges  connection -> SASL exchange that has not ended, see authentication.lib.lua
--   challenge_key  of made-up challenges, see scram.lib.lua
--   known_logins  account -> addresses from which it has logged in, see failed_logins.lib.lua
--   system  what system_topics.lib.lua has said on topics of $SYS
--   durability, store_path  what read_store() returned when the core was started
local shared = module.saved_state or {
	services = {}, watched = {}, reloading = {}, disabled = {}, logging_in = {}, exchanges = {};
	unsaved = {}, unmarked = {};
	known_logins = cache.new(10000), challenge_key = random.bytes(32);
	unrestored = {}, unstored = setmetatable({}, { __mode = "k" });
};
local services = shared.services;

--- The library

local function load_library()
	if not server.get_backend or server.get_backend() ~= "epoll" then
		return nil, "pubsub_mqtt needs Prosody's epoll backend: remove network_backend from the configuration";
	end
	local path = module:get_directory().."/pubsub_mqtt.so";
	local open, err = package.loadlib(path, "luaopen_pubsub_mqtt");
	if not open then
		return nil, ("Cannot load %s: %s. Install the library that was built for %s beside mod_pubsub_mqtt.lua")
			:format(path, err, _VERSION);
	end
	local ok, library = pcall(open);
	if not ok then
		return nil, ("Cannot use %s: %s. Install the library that was built for %s"):format(path, library, _VERSION);
	end
	if library.version ~= version then
		return nil, ("%s is version %s, but mod_pubsub_mqtt.lua is %s: restart Prosody after an upgrade")
			:format(path, library.version, version);
	end
	return library;
end

local library, library_error = load_library();
if not library then
	module:log("error", "%s", library_error);
	module:set_status("error", library_error);
	-- Nobody would serve the clients that the module had before a reload.
	local old_core = module.saved_state and module.saved_state.core;
	if old_core then old_core:stop(0.5); end
	-- Raising would leave a half-loaded module behind, and load another for the next host.
	module.add_host = function () end
	return;
end

--- Settings

-- No require() of our own for libraries, since Prosody reloads these with the module.
local settings = module:require "settings";

-- For the core: what it knows of the configuration.
local function read_limits()
	local allow_anonymous = settings.boolean("mqtt_allow_anonymous", nil, false); -- nil: from loopback only
	local limits = settings.limits(library.limits);
	limits.passwords_in_the_clear = not settings.boolean("mqtt_require_encryption", true)
		or module:get_option_boolean("allow_unencrypted_plain_auth", false);
	limits.anonymous_from_everywhere = allow_anonymous == true;
	limits.anonymous_from_loopback = allow_anonymous ~= false;
	limits.log_connections = settings.boolean("mqtt_log_connections", false);
	limits.shared_groups_of_accounts = settings.choice("mqtt_shared_groups", "server",
		{ "server", "account" }, "account") == "account";
	return limits;
end

-- Where sessions are kept; nothing where they end with the process. What a reload says of it counts from the next
-- start on: a store is not changed while sessions are in it.
local function read_store()
	local durability = settings.choice("mqtt_durability", "disk", { "disk", "process", "memory" }, "disk");
	local path = settings.path("mqtt_store", "pubsub_mqtt.sqlite");
	if durability == "memory" then return; end
	return durability, path;
end
local function warn_of_store()
	local durability, path = read_store();
	if durability ~= shared.durability or path ~= shared.store_path then
		module:log("warn", "mqtt_durability or mqtt_store has changed: restart Prosody; "
			.."until then sessions and retained messages are kept as before");
	end
end

--- What the core calls

local warn = module:require "burst_warning";
local current_item = module:require "current_item"(shared);
local observers = module:require "observers";
local node_defaults = module:require "node_defaults";
local component_settings = module:require "component_settings"(settings, node_defaults, services);
local new_nodes = module:require "new_nodes"(shared, component_settings, node_defaults, current_item);
local rights = module:require "rights"(shared, component_settings, new_nodes, observers, library.available_bytes);
local earlier_retained = module:require "earlier_retained";
local retained = module:require "retained"(shared, current_item, rights, warn, earlier_retained);
local credentials = module:require "credentials"(settings);
local failed_logins = module:require "failed_logins"(settings, shared.known_logins);
local attempts = module:require "login_attempts"(shared, failed_logins, warn);
local login = module:require "login"(shared, credentials, attempts);
local scram = module:require "scram"(shared.challenge_key);
local in_turn = module:require "slow_work"();
local authentication = module:require "authentication"(shared, credentials, attempts, scram, in_turn);

local node_answers = module:require "node_answers"(shared, rights);
local client_answers = module:require "client_answers"(shared, rights);
local answers = module:require "answers"({
	{ "^%$pubsub/nodes$", node_answers.hosts };
	{ "^%$pubsub/nodes/([^/]+)$", node_answers.nodes };
	{ "^%$pubsub/items/([^/]+)/([^/]+)/(.+)$", module:require "item_answers"(shared, rights) };
	{ "^%$pubsub/clients$", client_answers.list };
	{ "^%$pubsub/clients/close$", client_answers.close };
	{ "^%$pubsub/retained$", module:require "retained_answers"(shared, rights) };
});

local callbacks = rights;
callbacks.answer = answers.answer;
callbacks.forget_inquiry = answers.forget;
callbacks.stanza_mt = getmetatable(st.stanza("item"));
callbacks.save_retained = retained.save;
callbacks.restore = retained.restore_now;
callbacks.log_in = login.log_in;
callbacks.authenticate = authentication.begin;
callbacks.go_on_authenticating = authentication.go_on;
callbacks.end_authentication = authentication.leave;

-- core:start() has its store, if there is to be one, and does nothing for clients yet.
function callbacks.store_is_open()
	shared.is_started = true;
	retained.start();
end

-- The end of core:stop(), which may come after it has returned: the last wills are published until then.
function callbacks.stopped()
	shared.core, shared.is_started = nil, nil;
end

function callbacks.log(level, text)
	module:log(level, "%s", text);
end

function callbacks.host_status(host)
	if services[host] then return "enabled"; end
	if configmanager.get(host, "component_module") == "pubsub" then return "configured"; end
end

local reloaded = shared.core ~= nil;
local limits = read_limits();
if reloaded then
	warn_of_store();
	shared.core:attach(callbacks);
	shared.core:set_limits(limits);
else
	shared.durability, shared.store_path = read_store();
	shared.core = library.new(limits, callbacks);
end

--- Prosody's side

local page = module:require "page"(settings);
local give_access = module:require "access"(settings, shared, page);
local follow_page = module:require "page_redirect"(page);
local load_storage_driver = module:require "storage_driver";
local check_settings = module:require "misplaced_settings"(settings);
local ports = module:require "ports"(shared, library);
local xmpp_creation = module:require "xmpp_creation"(shared, new_nodes);
local mountpoint = module:require "mountpoint"(settings, shared);
local in_slices = module:require "in_slices";
local administration = module:require "administration"(
	module:require "clients"(shared, in_slices),
	module:require "retained_messages"(shared, in_slices),
	module:require "explain"(shared, settings, credentials, component_settings, new_nodes, rights, callbacks.host_status),
	module:require "store_view"(shared, in_slices),
	module:require "apply_defaults"(shared, component_settings, node_defaults, in_slices));
local remove_from_shell = module:require "shell"(administration);
local hosts = module:require "hosts"(shared, component_settings, retained, current_item, observers, rights,
	xmpp_creation, mountpoint, module:require "adhoc_commands"(administration));
module:require "accounts"(shared, attempts);
module:require "other_copies"(version);
local remove_metrics = module:require "metrics"(shared);
local system_topics = module:require "system_topics"(shared, version);

module.add_host = hosts.enable;
ports.provide();

mountpoint.read_settings();
system_topics.set_interval(limits.mqtt_sys_interval);
check_settings();
local function read_settings_again()
	credentials.read_settings();
	failed_logins.read_settings();
	local new_limits = read_limits();
	local core = shared.core; -- which `shared` may lose on the way
	if core then core:set_limits(new_limits); end
	system_topics.set_interval(new_limits.mqtt_sys_interval);
	give_access();
	follow_page();
	mountpoint.read_settings();
	for host, service in pairs(services) do
		component_settings.read(host, service);
		if core then core:host_changed(host); end
	end
	warn_of_store();
	check_settings();
	ports.renew();
end

-- Who is told before us may raise, as Prosody 0.12 does for a certificate that was cut off: then the event ends there.
local reload_is_due;
module:hook("config-reloaded", function ()
	reload_is_due = true;
	timer.add_task(0, function ()
		if not reload_is_due then return; end
		module:log("warn", "An error has ended the reload of the configuration before its time, see above: mend that");
		reload_is_due = false;
		read_settings_again();
	end);
end, 1000);
module:hook("config-reloaded", function ()
	reload_is_due = false;
	read_settings_again();
end, -10); -- portmanager renews its certificates at -1

--- Prosody's main loop

local watch; -- of the core's descriptor, while its thread runs

local function work(from_timer)
	local core = shared.core; -- which `shared` may lose on the way
	if core and core:work(from_timer) then
		timer.add_task(0, function () work(true); end);
	end
end

local wake_timer;

function callbacks.wake_after(seconds)
	if wake_timer then timer.stop(wake_timer); end
	wake_timer = timer.add_task(seconds, function ()
		wake_timer = nil;
		work(true);
	end);
end

local function start()
	local core = shared.core;
	if not reloaded then load_storage_driver(); end
	if not reloaded and not core:start(shared.durability, shared.store_path) then
		module:log("error", "The system has no thread left for MQTT: raise the limit on processes (ulimit -u)");
		shared.core, shared.is_started = nil, nil;
		return;
	end
	watch = server.watchfd(core:requests_fd(), function () work(false); end);
	ports.start();
	system_topics.start();
end

local function stop_watching()
	ports.stop();
	if watch then watch:close(); end
	watch = nil;
end

local function stop()
	stop_watching();
	local core = shared.core;
	if core then core:stop(0.5); end
end

--- Life

-- After an upgrade the library stays in the process, and a Lua half that does not match it could serve nobody. Prosody
-- gives up a reload where this raises, and the old ones go on.
function module.save()
	local installed = module:require "version";
	if installed ~= version then
		local reason = ("Version %s is installed, and %s goes on serving: restart Prosody"):format(installed, version);
		module:log("error", "%s", reason);
		error(setmetatable({}, { __tostring = function () return reason; end })); -- without a traceback
	end
	return shared;
end

-- The shell unloads the global module with any host: the others get it back.
local function load_again()
	for _, host in ipairs(array.collect(it.keys(services))) do
		modulemanager.unload(host, module.name);
		modulemanager.load(host, module.name);
	end
end

function module.unload()
	remove_from_shell();
	if module.reloading then
		stop_watching();
	else
		remove_metrics();
		stop();
		timer.add_task(0, load_again);
	end
end

module:hook("server-stopping", stop);

if prosody.start_time then
	start();
else
	-- prosody -D forks in this event, and no thread survives a fork.
	module:hook("server-started", start, -10);
end
