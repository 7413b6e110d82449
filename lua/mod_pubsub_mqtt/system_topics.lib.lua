-- $SYS/broker/...: what mosquitto says of itself there, and dashboards and exporters read (mosquitto(8), "Broker
-- Status"), of this server.

local time = require "util.time";

local function sum(values)
	local total = 0;
	for _, value in pairs(values) do total = total + value; end
	return total;
end

-- What mosquitto counts as dropped: what its limits did not let through.
local function dropped(values)
	return sum(values.messages_dropped) - values.messages_dropped.expired;
end

local function sockets(values)
	return values.connections + sum(values.refused.connection);
end

-- "load/..." -> what is counted
local loads = {
	["messages/received"] = function (values) return values.packets_received; end;
	["messages/sent"] = function (values) return values.packets_sent; end;
	["publish/dropped"] = dropped;
	["publish/received"] = function (values) return sum(values.messages_received); end;
	["publish/sent"] = function (values) return sum(values.messages_sent); end;
	["bytes/received"] = function (values) return values.received_bytes; end;
	["bytes/sent"] = function (values) return values.sent_bytes; end;
	["sockets"] = sockets;
	["connections"] = function (values) return values.connects; end;
};
local averaged_over = { ["1min"] = 60, ["5min"] = 300, ["15min"] = 900 }; -- seconds

-- Moving averages, as mosquitto makes them, of what was counted in a minute.
local function load_averages(system, values, seconds)
	local before = system.counted;
	system.counted = {};
	for name, count in pairs(loads) do
		system.counted[name] = count(values);
		local in_a_minute = seconds > 0 and (system.counted[name] - (before[name] or 0))*60/seconds or 0;
		for suffix, period in pairs(averaged_over) do
			local topic = ("load/%s/%s"):format(name, suffix);
			local old = system.averages[topic] or 0;
			system.averages[topic] = in_a_minute + math.exp(-seconds/period)*(old - in_a_minute);
		end
	end
	return system.averages;
end

-- What only grows, or stands as it is.
local function figures(values)
	local connected, away = values.sessions.connected, values.sessions.away;
	local stored = values.retained_messages + values.queued_messages + values.in_flight_messages;
	return {
		["clients/total"] = connected + away;
		["clients/connected"] = connected, ["clients/active"] = connected;
		["clients/disconnected"] = away, ["clients/inactive"] = away;
		["clients/expired"] = values.sessions_expired;
		["messages/received"] = values.packets_received;
		["messages/sent"] = values.packets_sent;
		["messages/stored"] = stored, ["store/messages/count"] = stored;
		["store/messages/bytes"] = values.retained_bytes + values.queued_bytes;
		["subscriptions/count"] = values.subscriptions;
		["shared_subscriptions/count"] = values.shared_subscriptions;
		["retained messages/count"] = values.retained_messages;
		["heap/current"] = values.heap_bytes;
		["publish/messages/dropped"] = dropped(values);
		["publish/messages/received"] = sum(values.messages_received);
		["publish/messages/sent"] = sum(values.messages_sent);
		["publish/bytes/received"] = sum(values.messages_received_bytes);
		["publish/bytes/sent"] = sum(values.messages_sent_bytes);
		["bytes/received"] = values.received_bytes;
		["bytes/sent"] = values.sent_bytes;
		["connections/socket/count"] = sockets(values);
	};
end

-- "" takes the others away.
local function changes(before, now)
	local changed = {};
	for topic, payload in pairs(now) do
		if before[topic] ~= payload then changed[topic] = payload; end
	end
	for topic in pairs(before) do
		if not now[topic] then changed[topic] = ""; end
	end
	return changed;
end

-- shared: with `core`, the gateway, while there is one, and `system`, what
-- was said before a reload; version: of the module
return function (shared, version)
	local interval; -- seconds; 0: nothing is said
	local is_running = false;
	local timer; -- while something is to be said later

	shared.system = shared.system or {
		started = time.now(), said = {}, counted = {}, averages = {}, clients_maximum = 0, heap_maximum = 0;
	};
	local system = shared.system;

	-- topic -> payload
	local function say(values)
		local now = time.now();
		local said = {
			["$SYS/broker/version"] = "mod_pubsub_mqtt version "..version;
			["$SYS/broker/uptime"] = ("%d seconds"):format(math.floor(now - system.started));
		};
		local numbers = figures(values);
		system.clients_maximum = math.max(system.clients_maximum, numbers["clients/connected"]);
		system.heap_maximum = math.max(system.heap_maximum, values.heap_bytes);
		numbers["clients/maximum"] = system.clients_maximum;
		numbers["heap/maximum"] = system.heap_maximum;
		for name, number in pairs(numbers) do said["$SYS/broker/"..name] = ("%d"):format(number); end
		for name, average in pairs(load_averages(system, values, now - (system.said_at or now))) do
			said["$SYS/broker/"..name] = ("%.2f"):format(average);
		end
		system.said_at = now;
		return said;
	end

	local function publish(core, said)
		core:publish_system(changes(system.said, said));
		system.said = said;
	end

	-- Prosody 0.12 runs its signal handlers wherever Lua runs: `shared` may lose the core on the way.
	local function go_on()
		local core = shared.core;
		timer = nil;
		if not core then return; end
		if interval > 0 then
			timer = module:add_timer(interval, go_on); -- first: what follows raises where memory runs out
			publish(core, say(core:metrics()));
		else
			publish(core, {});
		end
	end

	local system_topics = {};

	function system_topics.set_interval(seconds)
		if interval == seconds then return; end
		interval = seconds;
		if timer then timer:stop(); end
		if is_running then go_on(); end
	end

	-- The core runs.
	function system_topics.start()
		is_running = true;
		go_on();
	end

	return system_topics;
end
