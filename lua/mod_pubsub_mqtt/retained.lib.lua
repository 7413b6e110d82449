-- Retained messages: kept in the store as they come, and held against pubsub when the core begins to serve a host.

local array = require "util.array";
local it = require "util.iterators";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";
local wall_time = require "util.time".now;

local try_again_after = 5; -- seconds
local slice = 0.002; -- seconds; XMPP does not wait for the disk
local at_once = 50; -- nodes that the storage is asked for: half a millisecond

-- A retained message in the store is what the core saves, and
--   time     when it was set, in seconds since 1970, to be held against the time of pubsub's item
--   expires  when it expires, if it does, likewise
--   node     of which node (current_item.lib.lua)
-- Of one that has ended on a node that persists, so that nothing older is sent in its place:
--   ended    when, in seconds since 1970
--   node     of which node

-- shared: with `core`, `services`, `is_started`, `unsaved`, `unmarked` and `unrestored`, see mod_pubsub_mqtt.lua;
-- current_item, rights, warn and earlier_retained: what these libraries return
return function (shared, current_item, rights, warn, earlier_retained)
	local unsaved, unmarked = shared.unsaved, shared.unmarked;
	local retained = {};

	--- The identity of a node is in pubsub's store, before anybody is promised what the node retains

	local mark_later;

	local function mark(host, node)
		local service, core = shared.services[host], shared.core;
		local ok, err = true, nil;
		if service and service.nodes[node] and core and core:keeps_retained() then
			local called;
			called, ok, err = pcall(current_item.store_identity, service, node);
			if not called then ok, err = false, ok; end
		end
		unmarked[host] = unmarked[host] or {};
		unmarked[host][node] = not ok or nil;
		if next(unmarked[host]) == nil then unmarked[host] = nil; end
		if ok then return; end
		warn("error", "the identity of a node could not be saved",
			("The retained message of %s on %s is lost if Prosody stops before pubsub's node can be saved: %s")
				:format(node, host, tostring(err)));
		mark_later();
	end

	local scheduled = false;
	function mark_later()
		if scheduled then return; end
		scheduled = true;
		timer.add_task(try_again_after, function ()
			scheduled = false;
			for _, host in ipairs(array.collect(it.keys(unmarked))) do
				for _, node in ipairs(array.collect(it.keys(unmarked[host]))) do mark(host, node); end
			end
		end);
	end

	--- Saving

	local function write(host, node, message)
		local core = shared.is_started and shared.core;
		if core then
			core:put_retained(host, node, message);
			if message then mark(host, node); end
		else
			unsaved[host] = unsaved[host] or {};
			unsaved[host][node] = message or false;
		end
	end

	-- nil: what the node retained has ended.
	function retained.save(host, node, message)
		local service = shared.services[host];
		local node_obj = service and service.nodes[node];
		if message and node_obj then
			message.time, message.node = wall_time(), current_item.identity(service, node);
			message.expires = message.expires_in and message.time + message.expires_in;
		elseif node_obj and node_obj.config.persist_items then
			message = { ended = wall_time(), node = current_item.identity(service, node) };
		else
			message = nil;
		end
		if shared.unrestored[host] then shared.unrestored[host].nodes[node] = nil; end
		write(host, node, message);
	end

	function retained.close(host)
		shared.unrestored[host] = nil;
	end

	--- What was retained before a restart, or before the host was disabled

	-- Of which nodes the core does not know that yet, it remembers itself: a table of them would be large. Of a host here:
	--   has_all  whether all copies of the store are known
	--   nodes    node -> whether the store has a copy, of those that are to be looked at one by one
	--   left     a list of these; what could not be read is in it when it is tried again
	--   after    behind which name the core is asked for those that have not been looked at; nil: for none

	-- core: it may stop on the way, as Prosody 0.12 runs its signal handlers wherever Lua runs, and is told in vain then

	local function tell_of_copy(core, host, node, message)
		local ok, why = core:restore_retained(host, node, message, message.payload, message.properties,
			message.expires and message.expires - wall_time());
		if ok then return; end
		module:log("error", "What %s on %s retains is not served, since its copy is damaged: %s", node, host, why);
		core:restore_none(host, node);
	end

	local function tell_of_end(core, host, node, message, time)
		if message.ended ~= time then write(host, node, { ended = time, node = message.node }); end
		core:restore_end(host, node);
	end

	-- Returns whether a copy was given up that had not ended. Raises where the storage fails, or memory does not suffice.
	local function tell_of_node(core, host, service, node, has_copy)
		local message = has_copy and core:find_retained(host, node) or nil;
		local truth, what = current_item.compare(host, service, node, message);
		if truth == "copy" then
			tell_of_copy(core, host, node, message);
			return false;
		elseif truth == "end" then
			tell_of_end(core, host, node, message, what);
		else
			if message then write(host, node, nil); end
			core:restore_none(host, node);
			if truth == "item" then core:restore_current(host, node, what, rights.publisher(host, what)); end
		end
		return message ~= nil and not current_item.end_of(message);
	end

	local function restore_node(core, host, service, node, has_copy)
		local ok, is_given_up = pcall(tell_of_node, core, host, service, node, has_copy);
		if ok then return is_given_up; end
		warn("error", "times what a node retains could not be read",
			("What %s on %s retains is not served until it can be read, which is tried again: %s")
				:format(node, host, tostring(is_given_up)));
		local unrestored = shared.unrestored[host];
		if unrestored then unrestored.nodes[node] = has_copy; end
		core:restore_later(host, node);
		return false;
	end

	local given_up = {}; -- host -> how many copies were

	-- Of a node that the core does not know that of.
	function retained.restore_now(host, node)
		local unrestored, service, core = shared.unrestored[host], shared.services[host], shared.core;
		if not (unrestored and service and core) then return; end
		local has_copy = unrestored.nodes[node];
		if has_copy == nil then has_copy = not unrestored.has_all; end
		unrestored.nodes[node] = nil;
		if not service.nodes[node] then
			write(host, node, nil);
		elseif restore_node(core, host, service, node, has_copy) then
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

	-- Those of which the store has a copy. Returns false where they cannot be read now.
	local function find_copies(core, host, unrestored)
		local ok, names = pcall(core.retained_nodes, core, host);
		if not ok then
			warn("error", "times retained messages could not be read",
				("The retained messages of %s are not served until they can be read, which is tried again: %s")
					:format(host, tostring(names)));
			return false;
		end
		for _, node in ipairs(names) do
			unrestored.nodes[node] = true;
			core:restore_later(host, node);
		end
		unrestored.has_all, unrestored.left = true, names;
		return true;
	end

	-- Most nodes retain nothing: of those without a copy the storage may know at once which have an item `current`. Looks
	-- at some, and leaves those that are to be looked at one by one.
	local function sift(core, host, unrestored)
		local nodes = unrestored.nodes;
		local some, after = core:unrestored_nodes(host, unrestored.after, at_once);
		unrestored.after = after;
		local has_item = current_item.find_in(host, some);
		for _, node in ipairs(some) do
			if has_item and not has_item[node] and not nodes[node] then
				nodes[node] = nil;
				core:restore_none(host, node);
			else
				nodes[node] = nodes[node] or false;
				table.insert(unrestored.left, node);
			end
		end
	end

	-- A piece of the work. Returns after how many seconds it goes on, nil: at once; false: that was all.
	local function restore_some(core, host, unrestored)
		local node = table.remove(unrestored.left);
		if node then
			if unrestored.nodes[node] ~= nil then retained.restore_now(host, node); end -- it may be done already
		elseif not unrestored.has_all then
			if not find_copies(core, host, unrestored) then return try_again_after; end
		elseif unrestored.after then
			sift(core, host, unrestored);
		elseif next(unrestored.nodes) == nil then
			end_of_restore(host);
			return false;
		else
			unrestored.left = array.collect(it.keys(unrestored.nodes));
			return try_again_after;
		end
	end

	-- Begins to tell the core what each node of the host retains: a storage that thousands of them ask takes seconds, and
	-- XMPP is served in between. The core asks for those that are needed earlier.
	function retained.restore(host, service)
		local core = shared.core;
		if not core then return; end
		if core:keeps_retained() then earlier_retained.take_over(host, core); end
		local unrestored = { has_all = false, nodes = {}, left = {}, after = "" };
		local has_all = find_copies(core, host, unrestored);
		for node, node_obj in pairs(service.nodes) do
			-- Of one that does not persist only the store knows.
			if node_obj.config.persist_items or not has_all then core:restore_later(host, node); end
		end
		shared.unrestored[host] = unrestored;
		timer.add_task(has_all and 0 or try_again_after, function ()
			local enough = monotonic() + slice;
			repeat
				if shared.unrestored[host] ~= unrestored then return; end -- the host was disabled
				local pause = restore_some(core, host, unrestored);
				if pause ~= nil then return pause or nil; end
			until monotonic() > enough;
			return 0.003;
		end);
	end

	-- The core has its store now: hosts were enabled before. What came with them is newer than what is stored.
	function retained.start()
		for host, service in pairs(shared.services) do retained.restore(host, service); end
		for host, nodes in pairs(unsaved) do
			local unrestored, service = shared.unrestored[host], shared.services[host];
			for node, message in pairs(nodes) do
				write(host, node, message or nil);
				local node_obj = service and service.nodes[node];
				if unrestored and (unrestored.nodes[node] ~= nil or node_obj and node_obj.config.persist_items) then
					unrestored.nodes[node] = true;
					table.insert(unrestored.left, node);
				end
			end
			unsaved[host] = nil;
		end
	end

	return retained;
end
