-- What is hooked on a pubsub host, so that the core hears of all that happens there. All of it, or nothing.

local configmanager = require "core.configmanager";
local jid = require "util.jid";
local storagemanager = require "core.storagemanager";

local pack, unpack = table.pack, table.unpack;

-- Calls `after` whenever a method of the service was called, and `before`, if it is given, with the same arguments.
-- Returns a function that undoes it.
local function around_call(service, method, after, before)
	local inherited = rawget(service, method);
	local original = service[method];
	local active = true;
	local function wrapper(self, node, ...)
		if active and before then before(node, ...); end
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

-- shared: see mod_pubsub_mqtt.lua; the others: what these libraries return
return function (shared, component_settings, retained, current_item, observers, rights, xmpp_creation, mountpoint,
	add_adhoc_commands)
	-- A host here is { name, module, service, undo }: the module as Prosody gives it to add_host(), and functions.

	-- Prosody 0.12 runs its signal handlers wherever Lua runs: `shared` may lose the core on the way.
	local function tell_core(method, ...)
		local core = shared.core;
		if core then core[method](core, ...); end
	end

	local function hook(host, events, event_name, handler, priority)
		host.module:hook_object_event(events, event_name, handler, priority);
		table.insert(host.undo, function () host.module:unhook_object_event(events, event_name, handler); end);
	end

	--- Items and nodes

	-- Returns the handler of item-published.
	local function hook_items(host)
		local events = host.service.events;
		local function on_item_published(event)
			local core = shared.core;
			if not core then return; end
			-- The item is stored, XMPP's subscribers must hear of it.
			local publisher = rights.publisher(host.name, event.item, event.actor);
			local ok, err = pcall(core.item_published, core, host.name, event.node, event.id, event.item, publisher);
			if not ok then
				host.module:log("error", "An item of %s is lost to MQTT: %s", event.node, err);
			end
		end
		hook(host, events, "item-published", on_item_published);
		hook(host, events, "item-retracted", function (event)
			tell_core("item_retracted", host.name, event.node, event.id);
		end);
		return on_item_published;
	end

	local function hook_nodes(host)
		for event_name, method in pairs({
			["node-created"] = "node_created";
			["node-deleted"] = "node_deleted";
			["node-purged"] = "node_purged";
		}) do
			hook(host, host.service.events, event_name, function (event) tell_core(method, host.name, event.node); end);
		end
		hook(host, prosody.hosts[host.name].events, xmpp_creation.event, function (event)
			return xmpp_creation.on_request(host.name, event);
		end, 1); -- before mod_pubsub
	end

	--- Who sees what is published (observers.lib.lua)

	local function watch_observers(host, on_item_published)
		local get_service = prosody.hosts[host.name].modules.pubsub.get_service;
		local pubsub_source = debug.getinfo(get_service, "S").source;
		local function withdraw(node)
			if type(node) == "string" then
				tell_core("withdraw_route", host.name, node);
			else
				tell_core("withdraw_routes", host.name);
			end
		end
		shared.watched[host.name] =
			observers.watch(host.service, on_item_published, pubsub_source, withdraw, host.undo);
	end

	--- Rights

	-- util.pubsub fires no event for what these do.
	local function wrap_methods(host)
		local function on_change(node)
			if type(node) == "string" then tell_core("node_changed", host.name, node); end
		end
		local function on_new_config(node, _, new_config)
			if type(node) == "string" then current_item.keep_identity(host.service, node, new_config); end
		end
		table.insert(host.undo, around_call(host.service, "set_node_capabilities", on_change));
		table.insert(host.undo, around_call(host.service, "set_node_config", on_change, on_new_config));
		-- The affiliation may have changed whatever this returned.
		table.insert(host.undo, around_call(host.service, "set_affiliation", function (node, _, affiliated)
			if type(node) == "string" and type(affiliated) == "string" then
				tell_core("affiliation_changed", host.name, node, jid.bare(affiliated));
			end
		end));
	end

	-- A module may replace what it likes while it is loaded, on what observers and rights depend.
	local function hook_modules(host)
		for _, event_name in ipairs({ "module-loaded", "module-reloaded", "module-unloaded" }) do
			local function judge_again() tell_core("host_changed", host.name); end
			hook(host, prosody.hosts[host.name].events, event_name, judge_again);
			hook(host, prosody.events, event_name, judge_again);
		end
	end

	--- The whole

	-- How long the name of a node may be as that of a file, with all that file storage puts around it; nil where no
	-- store of the host's nodes and items is of files.
	local function max_node_name(host)
		for _, store in ipairs({ "pubsub_nodes", "pubsub_data" }) do
			local _, driver = storagemanager.get_driver(host, store);
			if driver == "internal" then return 200; end
		end
	end

	local function tell_of_nodes(host)
		local core = shared.core;
		if not core then return; end
		for node in pairs(host.service.nodes) do
			core:node_created(host.name, node);
		end
		if shared.is_started then retained.restore(host.name, host.service); end
	end

	local function enable(host)
		local is_reloaded = shared.reloading[host.name];
		shared.reloading[host.name] = nil;
		host.service = host.module:depends("pubsub").get_service();
		component_settings.read(host.name, host.service);
		tell_core("set_max_node_name", host.name, max_node_name(host.name));
		local on_item_published = hook_items(host);
		hook_nodes(host);
		watch_observers(host, on_item_published);
		hook_modules(host);
		wrap_methods(host);
		shared.services[host.name] = host.service;
		add_adhoc_commands(host.module);
		mountpoint.follow_hosts();
		if not is_reloaded then tell_of_nodes(host); end
	end

	local function undo(host)
		while #host.undo > 0 do table.remove(host.undo)(); end
		tell_core("withdraw_routes", host.name);
	end

	local function disable(host)
		retained.close(host.name);
		undo(host);
		shared.services[host.name], shared.watched[host.name] = nil, nil;
		tell_core("host_disabled", host.name);
		mountpoint.follow_hosts();
	end

	local hosts = {};

	function hosts.enable(module)
		local host = { name = module.host, module = module, undo = {} };
		if not prosody.hosts[host.name].modules.pubsub then
			module:log("error", configmanager.get(host.name, "component_module") == "pubsub"
				and "mod_pubsub is not loaded, see above why: mend that, and load pubsub_mqtt again"
				or "pubsub_mqtt works on pubsub components only: move it to modules_enabled of a "
					.."Component \"...\" \"pubsub\"");
			return;
		end
		local ok, err = pcall(enable, host);
		if not ok then
			disable(host);
			module:log("error", "MQTT is not available on this host until the module is reloaded: %s", err);
			return;
		end
		function module.unload()
			if module.reloading then -- nothing happens until it is loaded again
				undo(host);
				shared.reloading[host.name] = true;
			else
				disable(host);
			end
		end
	end

	return hosts;
end
