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

-- What watch() returns, watched:
--   service
--   own_handler    the one handler of item-published that is ours
--   pubsub_source  of mod_pubsub
--   is_own         function -> whether it is Prosody's own, once it was asked for
--   handles        the method `set` of a node's items -> what observers.handle() returns for them, or false
--   broadcast      our wrapper of service.broadcast, if nobody else has one
--   undo           functions that undo what was done to the service

local function is_own(watched, f)
	local known = watched.is_own;
	if known[f] == nil then
		local source = source_of(f);
		known[f] = known_sources[source] or source == watched.pubsub_source or false;
	end
	return known[f];
end

-- Methods that publishing calls, and that a module may have replaced on the service.
local function has_own_methods(watched)
	for _, method in ipairs({ "publish", "may", "get_default_affiliation" }) do
		if rawget(watched.service, method) then return false; end
	end
	return rawget(watched.service, "broadcast") == watched.broadcast;
end

local function has_own_config(watched)
	local config = watched.service.config;
	for _, value in pairs(config) do
		if type(value) == "function" and not is_own(watched, value) then return false; end
	end
	return not config.access_models;
end

local function has_own_handlers(watched, node)
	local events = watched.service.events;
	local handlers = events.get_handlers("item-published");
	return not events.get_handlers("item-published/"..node)
		and handlers and #handlers == 1 and handlers[1] == watched.own_handler
		and not is_wrapped(events, node);
end

-- Of mod_pubsub's items; set: their method
local function find_handle(watched, set)
	local has_lib, lib = upvalue(watched.service.config.itemstore, "lib_pubsub");
	local has_archive, archive = upvalue(set, "archive");
	local has_user, user = upvalue(set, "user");
	local is_known = has_lib and has_archive and has_user and user == nil
		and source_of(set) == source_of(lib.archive_itemstore);
	return is_known and archive.get_handle and archive:get_handle() or false;
end

-- The handle of mod_storage_pubsub_mqtt through which mod_pubsub keeps the items of a node; nil where it keeps none, or
-- keeps them elsewhere, whatever the configuration says.
function observers.handle(watched, node)
	local node_obj = watched and watched.service.nodes[node];
	if not node_obj or not node_obj.config.persist_items then return; end
	local set = watched.service.data[node] and watched.service.data[node].set;
	if not set or not is_own(watched, watched.service.config.itemstore) then return; end
	if watched.handles[set] == nil then watched.handles[set] = find_handle(watched, set); end
	return watched.handles[set] or nil;
end

-- Whether publishing to a node is seen by nobody but our own handler, and stores nothing, or what the library stores.
-- watched: nil where the host has just been disabled
function observers.has_none(watched, node)
	local node_obj = watched and watched.service.nodes[node];
	return node_obj and next(node_obj.subscribers) == nil
		and (not node_obj.config.persist_items or observers.handle(watched, node))
		and has_own_handlers(watched, node) and has_own_methods(watched) and has_own_config(watched) or false;
end

-- Calls `before` with the arguments of each call of a method. Returns a function that undoes it.
local function before_call(object, name, before)
	local inherited = rawget(object, name);
	local original = object[name];
	local function wrapper(...)
		before(...);
		return original(...);
	end
	object[name] = wrapper;
	return function ()
		if rawget(object, name) == wrapper then object[name] = inherited; end
	end
end

-- Whoever has a wrapper of his own sees what is broadcast.
local function skip_empty_broadcasts(watched)
	local service = watched.service;
	if rawget(service, "broadcast") then return; end
	local broadcast = service.broadcast;
	function watched.broadcast(self, event, node, subscribers, ...)
		if next(subscribers) == nil and is_own(watched, self.config.broadcaster)
		and is_own(watched, self.config.subscriber_filter) then
			return;
		end
		return broadcast(self, event, node, subscribers, ...);
	end
	service.broadcast = watched.broadcast;
	table.insert(watched.undo, function ()
		if rawget(service, "broadcast") == watched.broadcast then service.broadcast = nil; end
	end);
end

-- From now on `withdraw` is called, with a node's name or without, before each change that may bring an observer and
-- that nothing else tells. Our handler of item-published has been added. The list `undo` gets what undoes this, even
-- where this raises. See above for what is returned.
function observers.watch(service, own_handler, pubsub_source, withdraw, undo)
	local watched = {
		service = service, own_handler = own_handler, pubsub_source = pubsub_source, is_own = {}, undo = undo;
		handles = setmetatable({}, { __mode = "k" });
	};
	-- The events of these come late, or not at all, and not to everybody: a handler may keep them from the others.
	for _, method in ipairs({ "add_subscription", "delete", "purge", "retract", "set_node_config" }) do
		table.insert(watched.undo, before_call(service, method, function (_, node) withdraw(node); end));
	end
	local function withdraw_all() withdraw(); end
	for _, method in ipairs({ "add_handler", "add_handlers", "add_wrapper", "set_debug_hook" }) do
		table.insert(watched.undo, before_call(service.events, method, withdraw_all));
	end
	table.insert(watched.undo, before_call(service.events.wrappers, "add_handler", withdraw_all));
	skip_empty_broadcasts(watched);
	return watched;
end

return observers;
