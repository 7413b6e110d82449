-- Who sees what is published on a pubsub service, besides MQTT. Where nobody does, the core goes past the service
-- (docs/architecture.md, "The direct way"), and nothing is built for subscribers that do not exist.

local jid = require "util.jid";
local util_pubsub = require "util.pubsub";

local function source_of(f)
	return debug.getinfo(f, "S").source;
end

local known_sources = { [source_of(util_pubsub.new)] = true, [source_of(jid.bare)] = true };

local function upvalue(f, wanted)
	local i = 0;
	repeat
		i = i + 1;
		local name, value = debug.getupvalue(f, i);
		if name == wanted then return true, value; end
	until not name;
	return false;
end

-- util.events shows handlers, but neither wrappers nor its debug hook.
local function is_wrapped(events, node)
	local has_wrappers, wrappers = upvalue(events.fire_event, "wrappers");
	local has_global, global_wrappers = upvalue(events.fire_event, "global_wrappers");
	local has_inner, fire = upvalue(events.fire_event, "_fire_event");
	if not (has_wrappers and has_global and has_inner) then return true; end -- not util.events as we know it
	local has_hook, debug_hook = upvalue(fire, "active_debug_hook");
	return not has_hook or debug_hook or global_wrappers
		or wrappers["item-published"] or wrappers["item-published/"..node];
end

local observers = {};

-- Of one service:
--   own_handler    the one handler of item-published that is ours
--   pubsub_source  of mod_pubsub
--   is_own         function -> whether it is Prosody's own, once it was asked for
--   broadcast      our wrapper of service.broadcast
local watched = setmetatable({}, { __mode = "k" });

local function is_own(service, f)
	local known = watched[service].is_own;
	if known[f] == nil then
		local source = source_of(f);
		known[f] = known_sources[source] or source == watched[service].pubsub_source or false;
	end
	return known[f];
end

-- Methods that publishing calls, and that a module may have replaced on the service.
local function has_own_methods(service)
	for _, method in ipairs({ "publish", "may", "get_default_affiliation" }) do
		if rawget(service, method) then return false; end
	end
	local broadcast = rawget(service, "broadcast");
	return broadcast == nil or broadcast == watched[service].broadcast;
end

local function has_own_config(service)
	for _, value in pairs(service.config) do
		if type(value) == "function" and not is_own(service, value) then return false; end
	end
	return not service.config.access_models;
end

local function has_own_handlers(service, node)
	local events = service.events;
	local handlers = events.get_handlers("item-published");
	return not events.get_handlers("item-published/"..node)
		and handlers and #handlers == 1 and handlers[1] == watched[service].own_handler
		and not is_wrapped(events, node);
end

-- Whether publishing to an existing node stores nothing, and is seen by nobody but our own handler.
function observers.has_none(service, node)
	local node_obj = service.nodes[node];
	return not node_obj.config.persist_items and next(node_obj.subscribers) == nil
		and has_own_handlers(service, node) and has_own_methods(service) and has_own_config(service) or false;
end

-- Calls `withdraw` before each change that may bring an observer, and that no event of the service tells.
local function watch_events(events, withdraw)
	local undo = {};
	local function before_call(object, name)
		local original = object[name];
		local function wrapper(...)
			withdraw();
			return original(...);
		end
		object[name] = wrapper;
		undo[#undo+1] = function ()
			if object[name] == wrapper then object[name] = original; end
		end
	end
	for _, name in ipairs({ "add_handler", "add_handlers", "add_wrapper", "set_debug_hook" }) do
		before_call(events, name);
	end
	before_call(events.wrappers, "add_handler");
	return undo;
end

local function skip_empty_broadcasts(service)
	local broadcast = service.broadcast;
	local function wrapper(self, event, node, subscribers, ...)
		if next(subscribers) == nil and is_own(self, self.config.broadcaster)
		and is_own(self, self.config.subscriber_filter) then
			return;
		end
		return broadcast(self, event, node, subscribers, ...);
	end
	local inherited = rawget(service, "broadcast");
	service.broadcast = wrapper;
	watched[service].broadcast = wrapper;
	return function ()
		if rawget(service, "broadcast") == wrapper then service.broadcast = inherited; end
	end
end

-- From now on `withdraw` is called, with a node's name or without, before what would be an answer to a change. Our
-- handler of item-published has been added. Returns functions that undo it.
function observers.watch(module, service, own_handler, pubsub_source, withdraw)
	watched[service] = { own_handler = own_handler; pubsub_source = pubsub_source; is_own = {} };
	module:hook_object_event(service.events, "subscription-added", function (event) withdraw(event.node); end);
	-- A module may replace what it likes while it is loaded.
	for _, event_name in ipairs({ "module-loaded", "module-reloaded", "module-unloaded" }) do
		module:hook(event_name, function () withdraw(); end);
		module:hook_global(event_name, function () withdraw(); end);
	end
	local undo = watch_events(service.events, withdraw);
	undo[#undo+1] = skip_empty_broadcasts(service);
	return undo;
end

return observers;
