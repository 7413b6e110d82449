-- MQTT for Prosody's pubsub
--
-- The work is done in pubsub_mqtt.so; here is what only a Prosody module can do: settings, ports, certificates, pubsub
-- services and the main loop. docs/architecture.md tells how the two halves meet.

module:set_global();

local array = require "util.array";
local certmanager = require "core.certmanager";
local configmanager = require "core.configmanager";
local it = require "util.iterators";
local jid = require "util.jid";
local modulemanager = require "core.modulemanager";
local portmanager = require "core.portmanager";
local server = require "net.server";
local st = require "util.stanza";
local timer = require "util.timer";

local hosts = prosody.hosts;
local pack, unpack = table.pack, table.unpack;

local version = "0.1.0"; -- of the library, too

-- What a reload hands on. Hosts and the global module are reloaded one by one, in any order, so that functions of
-- the old module and of the new one meet in this table:
--   core      the gateway itself, a userdata; nil once it has stopped
--   services  host -> pubsub service, where the module is enabled
--   stores    host -> store of retained messages
--   disabled  account -> true, where the administrator has disabled or deleted it
--   logging_in  logins that wait for their provider, see login.lib.lua
--   unsaved   host -> node -> retained message that is not in the store yet, or false if none is left
--   reloading host -> true, between the unload and the load of a reload
--   watched   host -> what observers.watch() returned
local shared = module.saved_state or {
	services = {}, stores = {}, unsaved = {}, disabled = {}, logging_in = {}, reloading = {},
	watched = {};
};
local services = shared.services;

local listeners = {}; -- Prosody's server handler -> the core's number for it
local contexts_of = {}; -- the same handler -> TLS contexts of the library
local watch; -- of the core's descriptor, while its thread runs

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

local allow_anonymous = module:get_option_boolean("mqtt_allow_anonymous"); -- nil: from loopback only

local limits = settings.limits(library.limits);
limits.passwords_in_the_clear = module:get_option_boolean("allow_unencrypted_plain_auth", false);
limits.anonymous_from_everywhere = allow_anonymous == true;
limits.anonymous_from_loopback = allow_anonymous ~= false;

--- What the core calls

local retained = module:require "retained"(shared.stores, shared.unsaved);
local observers = module:require "observers";
local callbacks = module:require "rights"(services, shared.disabled, observers, shared.watched);
local login = module:require "login";

callbacks.stanza_mt = getmetatable(st.stanza("item"));
callbacks.save_retained = retained.save;

-- The end of core:stop(), which may come after it has returned: the last wills are published until then.
function callbacks.stopped()
	shared.core = nil;
	retained.save_all();
end

function callbacks.log(level, text)
	module:log(level, "%s", text);
end

function callbacks.host_status(host)
	if services[host] then return "enabled"; end
	if configmanager.get(host, "component_module") == "pubsub" then return "configured"; end
end

function callbacks.log_in(request)
	login.log_in(request, shared.logging_in, function (connection, code, account)
		if not shared.core then return; end
		if code == 0 and shared.disabled[account] then -- not any more, the provider has just been asked
			shared.disabled[account] = nil;
			shared.core:account_changed(account);
		end
		shared.core:logged_in(connection, code, account);
	end);
end

--- Certificates

-- What portmanager's add_sni_host() gives LuaSec, for each host that has a certificate.
local function host_tls_settings(service_name, tls_cfg)
	local by_host = {};
	for host in pairs(hosts) do
		local host_settings = configmanager.get(host, service_name.."_ssl");
		local certificate = certmanager.find_host_cert(host);
		if certificate or (host_settings and host_settings.certificate) then
			local context, _, cfg = certmanager.create_context(host, "server", host_settings, certificate, tls_cfg);
			by_host[host] = context and cfg or false; -- Prosody has said why
		end
	end
	return by_host;
end

-- old: of before the configuration was reloaded
local function tls_contexts(service_name, active_service, old)
	local tls_cfg = active_service.tls_cfg;
	if not tls_cfg then return; end
	local contexts, err, warnings = library.tls_contexts(tls_cfg, host_tls_settings(service_name, tls_cfg), old);
	if not contexts then
		module:log("error", "TLS for %s cannot be set up, %s: %s", service_name,
			old and "what was set up before stays" or "no MQTT on this port", err);
		return nil, err;
	end
	warnings = warnings or err;
	for _, warning in ipairs(warnings) do
		module:log("warn", "TLS for %s: %s", service_name, warning);
	end
	return contexts;
end

--- Ports: Prosody binds them, the core accepts on them

local function adopt(service_name, active_service)
	local handler = active_service.server;
	if listeners[handler] then return; end
	handler:pause();
	local contexts, tls_error = tls_contexts(service_name, active_service);
	if tls_error then return; end
	local listener, err = shared.core:listen(handler:getfd(), contexts);
	if listener then
		listeners[handler], contexts_of[handler] = listener, contexts;
	else
		module:log("error", "Cannot accept MQTT connections: %s", err);
	end
end

local function each_port(action)
	if not watch then return; end -- not started yet, or stopped
	for _, service_name in ipairs({ "mqtt", "mqtt_tls" }) do
		for _, _, _, _, active_service in portmanager.get_active_services():iter(service_name, nil, nil, nil) do
			action(service_name, active_service);
		end
	end
end

local function renew_certificates()
	each_port(function (service_name, active_service)
		local listener = listeners[active_service.server];
		if not listener then return adopt(service_name, active_service); end
		local contexts = tls_contexts(service_name, active_service, contexts_of[active_service.server]);
		if contexts then
			contexts_of[active_service.server] = contexts;
			shared.core:set_tls(listener, contexts);
		end
	end);
end

local listener = {};

-- Prosody accepts nobody here, but for one who came between its bind() and our adopt().
function listener.onconnect(conn)
	conn:close();
end

function listener.onincoming() end

-- The port is closed: let go of the socket before Prosody does, or it stays bound.
function listener.ondisconnect(handler)
	if shared.core and listeners[handler] then
		shared.core:close_listener(listeners[handler]);
	end
	listeners[handler], contexts_of[handler] = nil, nil;
end

--- Prosody's main loop

local reloaded = shared.core ~= nil;

local function work(from_timer)
	if shared.core and shared.core:work(from_timer) then
		timer.add_task(0, function () work(true); end);
	end
end

local function start()
	if not reloaded and not shared.core:start() then
		module:log("error", "The system has no thread left for MQTT: raise the limit on processes (ulimit -u)");
		shared.core = nil;
		return;
	end
	watch = server.watchfd(shared.core:requests_fd(), function () work(false); end);
	each_port(adopt);
end

local function stop()
	if watch then
		watch:close();
		watch = nil;
	end
	if shared.core then
		shared.core:stop(0.5);
	end
end

--- Hosts

-- Calls `after` whenever a method of the service was called. Returns a function that undoes it.
local function after_call(service, method, after)
	local inherited = rawget(service, method);
	local original = service[method];
	local active = true;
	local function wrapper(self, node, ...)
		-- What raises may have changed the rights before.
		local results = pack(pcall(original, self, node, ...));
		if active then after(node, ...); end
		if not results[1] then error(results[2], 0); end
		return unpack(results, 2, results.n);
	end
	service[method] = wrapper;
	return function ()
		active = false;
		if rawget(service, method) == wrapper then
			service[method] = inherited;
		end
	end
end

local function enable_host(module)
	local host = module.host;
	if not hosts[host].modules.pubsub then
		module:log("error", "pubsub_mqtt works on pubsub components only: move it to modules_enabled of a "
			.."Component \"...\" \"pubsub\"");
		return;
	end
	local service = module:depends("pubsub").get_service();
	services[host] = service;
	shared.stores[host] = module:open_store("pubsub_mqtt_retained");

	local function tell(method)
		return function (node)
			if shared.core and type(node) == "string" then
				shared.core[method](shared.core, host, node);
			end
		end
	end
	local function on_item_published(event)
		if not shared.core then return; end
		-- The item is stored, XMPP's subscribers must hear of it.
		local ok, err = pcall(shared.core.item_published, shared.core, host, event.node, event.id, event.item);
		if not ok then
			module:log("error", "An item of %s is lost to MQTT: %s", event.node, err);
		end
	end
	module:hook_object_event(service.events, "item-published", on_item_published);
	module:hook_object_event(service.events, "item-retracted", function (event)
		if shared.core then shared.core:item_retracted(host, event.node, event.id); end
	end);
	for event_name, method in pairs({
		["node-created"] = "node_created";
		["node-deleted"] = "node_deleted";
		["node-purged"] = "node_purged";
	}) do
		local told = tell(method);
		module:hook_object_event(service.events, event_name, function (event) told(event.node); end);
	end
	local pubsub_source = debug.getinfo(hosts[host].modules.pubsub.get_service, "S").source;
	local watched = observers.watch(service, on_item_published, pubsub_source, function (node)
		if not shared.core then return; end
		if type(node) == "string" then
			shared.core:withdraw_route(host, node);
		else
			shared.core:withdraw_routes(host);
		end
	end);
	shared.watched[host] = watched;
	local undo = watched.undo;
	-- A module may replace what it likes while it is loaded, on what observers and rights depend.
	for _, event_name in ipairs({ "module-loaded", "module-reloaded", "module-unloaded" }) do
		local function judge()
			if shared.core then shared.core:host_changed(host); end
		end
		module:hook(event_name, judge);
		module:hook_global(event_name, judge);
	end
	-- util.pubsub fires no event for these.
	for _, method in ipairs({ "set_node_capabilities", "set_node_config" }) do
		undo[#undo+1] = after_call(service, method, tell("node_changed"));
	end
	-- It may have changed the affiliation whatever it returned.
	undo[#undo+1] = after_call(service, "set_affiliation", function (node, _, affiliated)
		if shared.core and type(node) == "string" and type(affiliated) == "string" then
			shared.core:affiliation_changed(host, node, jid.bare(affiliated));
		end
	end);

	function module.unload()
		for _, undo_one in ipairs(undo) do undo_one(); end
		if shared.core then shared.core:withdraw_routes(host); end
		if module.reloading then -- nothing happens until it is loaded again
			shared.reloading[host] = true;
			return;
		end
		services[host] = nil;
		retained.save_host(host);
		if shared.core then shared.core:host_disabled(host); end
	end

	local is_reloaded = shared.reloading[host];
	shared.reloading[host] = nil;
	if shared.core and not is_reloaded then
		for node in pairs(service.nodes) do
			shared.core:node_created(host, node);
		end
		retained.restore(host, shared.core);
	end
end

function module.add_host(module)
	local ok, err = pcall(enable_host, module);
	if not ok then
		module:log("error", "MQTT is not available on this host: %s", err);
	end
end

module:require "shell"(shared);

--- Life

if reloaded then
	shared.core:attach(callbacks);
else
	shared.core = library.new(limits, callbacks);
end

function module.save()
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
	if module.reloading then
		if watch then watch:close(); end
	else
		stop();
		timer.add_task(0, load_again);
	end
end

module:provides("net", {
	name = "mqtt";
	default_port = 1883;
	private = true;
	listener = listener;
});
module:provides("net", {
	name = "mqtt_tls";
	encryption = "ssl";
	default_port = 8883;
	listener = listener;
});

--- Accounts that change

-- Of an event with `username` and `host`; a role may be that of another host's user.
local function account_of(event)
	return event.username and event.host and event.username.."@"..event.host;
end

local function close_account(event, was_deleted)
	local account = account_of(event);
	login.outdate(shared.logging_in, account);
	if shared.core then shared.core:close_account(account, was_deleted); end
end

module:hook("user-password-changed", function (event) close_account(event, false); end);
module:hook("user-deleted", function (event)
	shared.disabled[account_of(event)] = true; -- what its clients have asked for already is not done
	close_account(event, true);
end);
module:hook("user-disabled", function (event)
	shared.disabled[account_of(event)] = true;
	close_account(event, false);
end);
module:hook("user-enabled", function (event)
	shared.disabled[account_of(event)] = nil;
	if shared.core then shared.core:account_changed(account_of(event)); end
end);
for _, event_name in ipairs({
	"user-roles-changed"; -- 0.12
	"user-role-changed"; "user-role-added"; "user-role-removed"; -- 13
}) do
	module:hook(event_name, function (event)
		local account = account_of(event);
		if shared.core and account then shared.core:account_changed(account); end
	end);
end
-- Its users cannot be asked any more.
module:hook("host-deactivated", function (host)
	if shared.core then shared.core:close_accounts_of(host); end
end);

module:hook("service-added", function () each_port(adopt); end);
module:hook("config-reloaded", function ()
	renew_certificates();
	for host in pairs(services) do
		if shared.core then shared.core:host_changed(host); end
	end
end, -10); -- portmanager renews its certificates at -1
module:hook("host-activated", renew_certificates, -10);
module:hook("server-stopping", stop);
module:hook("server-stopped", retained.save_all);

if prosody.start_time then
	start();
else
	-- prosody -D forks in this event, and no thread survives a fork.
	module:hook("server-started", start, -10);
end
