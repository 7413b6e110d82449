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

	local function save_one(host, node)
		local nodes = unsaved[host];
		local message = nodes[node];
		nodes[node] = nil;
		local called, ok, err = pcall(stores[host].set, stores[host], node, message or nil);
		if not called or not ok then
			module:log("error", "The retained message of %s on %s is not saved: %s", node, host, called and err or ok);
		end
	end

	function retained.save_host(host)
		local nodes = unsaved[host] or {};
		for _, node in ipairs(array.collect(it.keys(nodes))) do
			save_one(host, node);
		end
		unsaved[host] = nil;
	end

	function retained.save_all()
		for _, host in ipairs(array.collect(it.keys(unsaved))) do
			retained.save_host(host);
		end
	end

	local function save_some()
		local host, nodes = next(unsaved);
		if not host then return; end
		local enough = now() + slice;
		repeat
			local node = next(nodes);
			if node == nil then
				unsaved[host] = nil;
				break;
			end
			save_one(host, node);
		until now() > enough
		return 0.01;
	end

	function retained.save(host, node, message)
		if next(unsaved) == nil then
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
