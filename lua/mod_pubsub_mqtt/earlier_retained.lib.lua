-- Retained messages as earlier versions kept them, in a store of Prosody's: taken over once, and removed there when
-- they are in ours.

local base64 = require "util.encodings".base64;
local storagemanager = require "core.storagemanager";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer";

local look_again_after = 0.1; -- seconds
local slice = 0.002; -- seconds; XMPP does not wait for the disk

local earlier_retained = {};

-- nil: there are none.
local function store_of(host)
	local store = storagemanager.open(host, "pubsub_mqtt_retained");
	return store and store.users and store or nil;
end

-- Properties, and the payload of TYPE binary, were in base64, since storages write bytes as they like.
local function as_it_was(message)
	if type(message.properties) == "string" then message.properties = base64.decode(message.properties); end
	if message.type == "binary" and type(message.payload) == "string" then
		message.payload = base64.decode(message.payload);
	end
	return message;
end

-- Returns a list of the nodes whose message can be read.
local function read(host, store, core, puts)
	local nodes = {};
	local next_node, state, first = store:users();
	if not next_node then return nodes; end -- a storage that cannot be used
	for node in next_node, state, first do
		local message, err = store:get(node);
		local ok = message ~= nil;
		if ok and puts then ok, err = pcall(core.put_retained, core, host, node, as_it_was(message)); end
		if ok then
			table.insert(nodes, node);
		else
			module:log("error", "The retained message of %s on %s cannot be taken over from the store pubsub_mqtt_retained: %s",
				node, host, err);
		end
	end
	return nodes;
end

local function remove_when_committed(host, store, core, nodes)
	local count = #nodes;
	timer.add_task(look_again_after, function ()
		if not core:is_all_committed() then return look_again_after; end
		local enough = monotonic() + slice;
		while #nodes > 0 do
			store:set(table.remove(nodes), nil);
			if monotonic() > enough then return 0.003; end
		end
		module:log("info", "%d retained messages of %s are in mqtt_store now, and were removed from "
			.."Prosody's store pubsub_mqtt_retained, where an earlier version kept them", count, host);
	end);
end

-- Before anything else is written of the host.
function earlier_retained.take_over(host, core)
	local called, err = pcall(function ()
		local store = store_of(host);
		if not store then return; end
		local is_new = not core:has_taken_over_retained(host);
		local nodes = read(host, store, core, is_new);
		if is_new then core:take_over_retained(host); end
		if #nodes > 0 then remove_when_committed(host, store, core, nodes); end
	end);
	if not called then
		module:log("error", "Retained messages that an earlier version has kept for %s cannot be taken over: %s", host, err);
	end
end

return earlier_retained;
