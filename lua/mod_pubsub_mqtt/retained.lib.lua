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
-- `properties` in base64: storages write bytes as they like. Of one that has ended on a node that persists, so that
-- nothing older is sent in its place:
--   ended    when, in seconds since 1970
--   node     of which node

-- shared: with `services`, `stores` and `unsaved`, see mod_pubsub_mqtt.lua; current_item, rights and warn: what these
-- libraries return
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
			message.expires = message.expires_in and message.time + message.expires_in;
			message.expires_in = nil;
		elseif node_obj and node_obj.config.persist_items then
			message = { ended = wall_time(), node = current_item.identity(service, node) };
		end
		write_later(host, node, message);
	end

	function retained.open(host, store)
		stores[host] = store;
	end

	-- What cannot be saved now is tried again every few seconds, as while the host was enabled: the store stays.
	function retained.close(host)
		save_host(host);
	end

	-- Node -> message, those of the store and those that are not in it yet.
	local function copies_of(host)
		local copies, newer, store = {}, unsaved[host] or {}, stores[host];
		if store.users then
			local next_node, state, first = store:users();
			if not next_node then
				module:log("error", "The retained messages of %s are lost when Prosody stops: %s, see storage", host, state);
				return copies;
			end
			for node in next_node, state, first do
				local message, err;
				if newer[node] == nil then message, err = store:get(node); end
				if message then
					copies[node] = message;
				elseif newer[node] == nil then
					module:log("error", "The retained message of %s on %s cannot be read: %s", node, host, err);
				end
			end
		end
		for node, message in pairs(newer) do copies[node] = message or nil; end
		return copies;
	end

	local function restore_copy(host, core, node, message)
		core:restore_retained(host, node, message, message.properties and base64.decode(message.properties),
			message.expires and message.expires - wall_time());
	end

	-- Returns whether a copy was given up that had not ended.
	local function restore_one(host, service, core, node, message)
		local ok, truth, what = pcall(current_item.compare, host, service, node, message);
		if not ok then
			module:log("error", "What %s on %s retains is not served, since pubsub's item cannot be read: %s",
				node, host, truth);
			return false;
		end
		if truth == "copy" then
			restore_copy(host, core, node, message);
			return false;
		end
		if truth == "end" then
			if message.ended ~= what then write_later(host, node, { ended = what, node = message.node }); end
			core:restore_end(host, node);
		elseif message then
			forget(host, node);
		end
		if truth == "item" then core:restore_current(host, node, what, rights.publisher(host, what)); end
		return message ~= nil and not current_item.end_of(message);
	end

	function retained.restore(host, service, core)
		save_host(host);
		local copies, given_up = copies_of(host), 0;
		for node in pairs(copies) do
			if not service.nodes[node] then forget(host, node); end
		end
		for node in pairs(service.nodes) do
			if restore_one(host, service, core, node, copies[node]) then given_up = given_up + 1; end
		end
		if given_up > 0 then
			module:log("info", "%d retained messages of %s were changed in pubsub while MQTT did not see it: pubsub is right",
				given_up, host);
		end
	end

	return retained;
end
