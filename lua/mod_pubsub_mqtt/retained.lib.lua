-- The stores of retained messages, written behind: a message a second must not cost a file a second.

local array = require "util.array";
local it = require "util.iterators";
local now = require "util.time".now;
local timer = require "util.timer";

local retained_delay = 5; -- seconds
local slice = 0.002; -- seconds; XMPP does not wait for the disk

-- stores: host -> store; unsaved: host -> node -> retained message that is not in the store yet, or false if none is
-- left
return function (stores, unsaved)
	local retained = {};
	local round; -- a list of { host, node }: those that are being saved one after the other
	local scheduled = false;
	local failing = false; -- since the log has said so

	-- What cannot be saved stays unsaved.
	local function save_one(host, node)
		local nodes = unsaved[host];
		if not nodes or nodes[node] == nil then return; end
		local called, ok, err = pcall(stores[host].set, stores[host], node, nodes[node] or nil);
		if not called or not ok then
			module:log(failing and "debug" or "error",
				"The retained message of %s on %s cannot be saved, and is lost if Prosody stops before it can: %s",
				node, host, called and err or ok);
			failing = true;
			return;
		end
		failing = false;
		nodes[node] = nil;
		if next(nodes) == nil then unsaved[host] = nil; end
	end

	function retained.save_host(host)
		for _, node in ipairs(array.collect(it.keys(unsaved[host] or {}))) do
			save_one(host, node);
		end
		unsaved[host] = nil;
	end

	function retained.save_all()
		for _, host in ipairs(array.collect(it.keys(unsaved))) do
			retained.save_host(host);
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
		local enough = now() + slice;
		while #round > 0 do
			save_one(table.unpack(table.remove(round)));
			if now() > enough then return 0.01; end
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

	function retained.restore(host, core)
		retained.save_host(host);
		local store = stores[host];
		if not store.users then return; end
		local next_node, state, first = store:users();
		if not next_node then
			module:log("error", "The retained messages of %s are lost when Prosody stops: %s, see storage", host, state);
			return;
		end
		for node in next_node, state, first do
			local message, err = store:get(node);
			if message then
				core:restore_retained(host, node, message);
			else
				module:log("error", "The retained message of %s on %s cannot be read: %s", node, host, err);
			end
		end
	end

	return retained;
end
