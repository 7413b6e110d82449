-- The stores of retained messages, written behind: a message a second must not cost a file a second.

local array = require "util.array";
local it = require "util.iterators";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";

local retained_delay = 5; -- seconds
local slice = 0.002; -- seconds; XMPP does not wait for the disk

-- stores: host -> store; unsaved: host -> node -> retained message that is not in the store yet, or false if none is
-- left; warn: what burst_warning.lib.lua returns
return function (stores, unsaved, warn)
	local retained = {};
	local round; -- a list of { host, node }: those that are being saved one after the other
	local scheduled = false;

	-- What cannot be saved stays unsaved.
	local function save_one(host, node)
		local nodes = unsaved[host];
		if not nodes or nodes[node] == nil then return; end
		local called, ok, err = pcall(stores[host].set, stores[host], node, nodes[node] or nil);
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

	function retained.save(host, node, message)
		if not scheduled then
			scheduled = true;
			timer.add_task(retained_delay, save_some);
		end
		unsaved[host] = unsaved[host] or {};
		unsaved[host][node] = message or false;
	end

	function retained.open(host, store)
		stores[host] = store;
	end

	-- What cannot be saved now is tried again every few seconds, as while the host was enabled: the store stays.
	function retained.close(host)
		save_host(host);
	end

	local function restore_from_store(host, core, newer)
		local store = stores[host];
		if not store.users then return; end
		local next_node, state, first = store:users();
		if not next_node then
			module:log("error", "The retained messages of %s are lost when Prosody stops: %s, see storage", host, state);
			return;
		end
		for node in next_node, state, first do
			local message, err;
			if newer[node] == nil then message, err = store:get(node); end
			if message then
				core:restore_retained(host, node, message);
			elseif newer[node] == nil then
				module:log("error", "The retained message of %s on %s cannot be read: %s", node, host, err);
			end
		end
	end

	function retained.restore(host, core)
		save_host(host);
		local newer = unsaved[host] or {};
		restore_from_store(host, core, newer);
		for node, message in pairs(newer) do
			if message then core:restore_retained(host, node, message); end
		end
	end

	return retained;
end
