-- The stores of retained messages, written behind: a message a second must not cost a file a second.

local array = require "util.array";
local base64 = require "util.encodings".base64;
local it = require "util.iterators";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";
local wall_time = require "util.time".now;

local retained_delay = 5; -- seconds
local slice = 0.002; -- seconds; XMPP does not wait for the disk

-- A retained message in the store is what the core saves, and
--   time     when it was set, in seconds since 1970, to be held against the time of pubsub's item
--   expires  when it expires, if it does, likewise
--   node     of which node (current_item.lib.lua)
-- `properties`, and the payload of TYPE binary, in base64: storages write bytes as they like. Of one that has ended on
-- a node that persists, so that nothing older is sent in its place:
--   ended    when, in seconds since 1970
--   node     of which node

-- shared: with `core`, `services`, `stores`, `unsaved` and `unrestored`, see mod_pubsub_mqtt.lua; current_item, rights
-- and warn: what these libraries return
return function (shared, current_item, rights, warn)
	local stores, unsaved = shared.stores, shared.unsaved;
	local retained = {};
	local round; -- a list of { host, node }: those that are being saved one after the other
	local scheduled = false;

	-- The node's identity first: a copy of no node is none.
	local function write(host, node, message)
		local service = shared.services[host];
		if message and service and service.nodes[node] then
			local ok, err = current_item.store_identity(service, node);
			if not ok then return ok, err; end
		end
		return stores[host]:set(node, message or nil);
	end

	-- What cannot be saved stays unsaved.
	local function save_one(host, node)
		local nodes = unsaved[host];
		if not nodes or nodes[node] == nil then return; end
		local called, ok, err = pcall(write, host, node, nodes[node]);
		if not called or not ok then
			warn("error", "retained messages could not be saved",
				("The retained message of %s on %s cannot be saved, and is lost if Prosody stops before it can: %s")
					:format(node, host, tostring(called and err or ok)));
			return;
		end
		nodes[node] = nil;
		if next(nodes) == nil then unsaved[host] = nil; end
	end

	local function save_host(host)
		for _, node in ipairs(array.collect(it.keys(unsaved[host] or {}))) do
			save_one(host, node);
		end
	end

	function retained.save_all()
		for _, host in ipairs(array.collect(it.keys(unsaved))) do
			save_host(host);
		end
	end

	local function begin_round()
		round = {};
		for host, nodes in pairs(unsaved) do
			for node in pairs(nodes) do round[#round+1] = { host, node }; end
		end
	end

	-- Returns when to go on.
	local function save_some()
		if not round then begin_round(); end
		local enough = monotonic() + slice;
		while #round > 0 do
			save_one(table.unpack(table.remove(round)));
			if monotonic() > enough then return 0.01; end
		end
		round = nil;
		scheduled = next(unsaved) ~= nil;
		return scheduled and retained_delay or nil;
	end

	local function write_later(host, node, message)
		if not scheduled then
			scheduled = true;
			timer.add_task(retained_delay, save_some);
		end
		unsaved[host] = unsaved[host] or {};
		unsaved[host][node] = message or false;
	end

	local function forget(host, node)
		write_later(host, node, nil);
	end

	-- nil: what the node retained has ended.
	function retained.save(host, node, message)
		local service = shared.services[host];
		local node_obj = service and service.nodes[node];
		if message and node_obj then
			message.time, message.node = wall_time(), current_item.identity(service, node);
			message.properties = message.properties and base64.encode(message.properties);
			if message.type == "binary" then message.payload = base64.encode(message.payload); end
			message.expires = message.expires_in and message.time + message.expires_in;
			message.expires_in = nil;
		elseif node_obj and node_obj.config.persist_items then
			message = { ended = wall_time(), node = current_item.identity(service, node) };
		end
		if shared.unrestored[host] then shared.unrestored[host][node] = nil; end
		write_later(host, node, message);
	end

	function retained.open(host, store)
		stores[host] = store;
	end

	-- What cannot be saved now is tried again every few seconds, as while the host was enabled: the store stays.
	function retained.close(host)
		shared.unrestored[host] = nil;
		save_host(host);
	end

	--- What was retained before a restart, or before the host was disabled

	-- node -> true, of which the store has a copy.
	local function nodes_in_store(host)
		local nodes, store = {}, stores[host];
		if not store.users then return nodes; end
		local next_node, state, first = store:users();
		if not next_node then
			module:log("error", "The retained messages of %s are lost when Prosody stops: %s, see storage", host, state);
			return nodes;
		end
		for node in next_node, state, first do nodes[node] = true; end
		return nodes;
	end

	-- The message of the store, or the one that is not in it yet; nil where there is none.
	local function copy_of(host, node)
		local newer = unsaved[host] and unsaved[host][node];
		if newer ~= nil then return newer or nil; end
		local message, err = stores[host]:get(node);
		if not message and err then
			module:log("error", "The retained message of %s on %s cannot be read: %s", node, host, err);
		end
		return message;
	end

	local function tell_of_copy(host, node, message)
		local payload = message.payload;
		if message.type == "binary" then payload = base64.decode(payload); end
		shared.core:restore_retained(host, node, message, payload,
			message.properties and base64.decode(message.properties), message.expires and message.expires - wall_time());
	end

	local function tell_of_end(host, node, message, time)
		if message.ended ~= time then write_later(host, node, { ended = time, node = message.node }); end
		shared.core:restore_end(host, node);
	end

	-- Returns whether a copy was given up that had not ended. Raises where the storage fails, or the copy is damaged.
	local function tell_of_node(host, service, node)
		local message = copy_of(host, node);
		local truth, what = current_item.compare(host, service, node, message);
		if truth == "copy" then
			tell_of_copy(host, node, message);
			return false;
		elseif truth == "end" then
			tell_of_end(host, node, message, what);
		else
			if message then forget(host, node); end
			shared.core:restore_none(host, node);
			if truth == "item" then shared.core:restore_current(host, node, what, rights.publisher(host, what)); end
		end
		return message ~= nil and not current_item.end_of(message);
	end

	local function restore_node(host, service, node)
		local ok, is_given_up = pcall(tell_of_node, host, service, node);
		if ok then return is_given_up; end
		module:log("error", "What %s on %s retains is not served, since pubsub's item or its copy cannot be read: %s",
			node, host, is_given_up);
		shared.core:restore_none(host, node);
		return false;
	end

	local given_up = {}; -- host -> how many copies were

	-- Does nothing where it is done already.
	function retained.restore_now(host, node)
		local nodes, service = shared.unrestored[host], shared.services[host];
		if not (nodes and nodes[node] and service and shared.core) then return; end
		nodes[node] = nil;
		if not service.nodes[node] then
			forget(host, node);
		elseif restore_node(host, service, node) then
			given_up[host] = (given_up[host] or 0) + 1;
		end
	end

	local function end_of_restore(host)
		shared.unrestored[host] = nil;
		if given_up[host] then
			module:log("info", "%d retained messages of %s were changed in pubsub while MQTT did not see it: pubsub is right",
				given_up[host], host);
		end
		given_up[host] = nil;
	end

	-- Begins to tell the core what each node of the host retains: a storage that thousands of them ask takes seconds, and
	-- XMPP is served in between. The core asks for those that are needed earlier.
	function retained.restore(host, service, core)
		save_host(host);
		local nodes = nodes_in_store(host);
		for node in pairs(unsaved[host] or {}) do nodes[node] = true; end
		for node, node_obj in pairs(service.nodes) do
			nodes[node] = nodes[node] or node_obj.config.persist_items or nil;
			if nodes[node] then core:restore_later(host, node); end
		end
		shared.unrestored[host] = nodes;
		local left = array.collect(it.keys(nodes));
		timer.add_task(0, function ()
			local enough = monotonic() + slice;
			repeat
				if shared.unrestored[host] ~= nodes then return; end -- the host was disabled
				if #left == 0 then return end_of_restore(host); end
				retained.restore_now(host, table.remove(left));
			until monotonic() > enough;
			return 0.003;
		end);
	end

	return retained;
end
