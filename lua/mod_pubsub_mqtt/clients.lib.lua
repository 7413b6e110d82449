-- Clients as the administrator sees them: those that are connected, and those that are away and have a session.

local promise = require "util.promise";
local now = require "util.time".now;

local counted = module:require "counted";

local most_shown = 200; -- clients, and filters of one client
local highest_number = 2^32 - 1; -- of a client, and of bytes in a packet: MQTT 5.0 calls that no limit

local columns = {
	{ name = "number", label = "#" };
	{ name = "identifier", label = "Client" };
	{ name = "account", label = "Account" };
	{ name = "address", label = "Address" };
	{ name = "state", label = "State" };
	{ name = "since", label = "Since" };
	{ name = "mqtt", label = "MQTT" };
	{ name = "queued", label = "Queue" };
	{ name = "in_flight", label = "In flight" };
	{ name = "dropped", label = "Dropped" };
	{ name = "filters", label = "Filters" };
};

local function time_before(seconds)
	return os.date("%Y-%m-%d %H:%M:%S", math.floor(now() - seconds));
end

local function state(client)
	return client.connected and "connected" or "away";
end

local function mqtt(client)
	-- Of one that an earlier process has left nobody knows how it came.
	local transport = client.address == "" and "" or " "..client.transport;
	return client.version..transport..(client.is_bridge and " bridge" or "");
end

local function row(client)
	return {
		number = client.number, identifier = client.identifier, account = client.account, address = client.address;
		state = state(client), since = time_before(client.since), mqtt = mqtt(client);
		queued = client.queued, in_flight = client.in_flight, dropped = client.dropped, filters = client.filters;
	};
end

-- For one line: 7 "meter" (juliet@example.org)
local function name(client)
	local account = client.account ~= "" and (" (%s)"):format(client.account) or "";
	return ("%d \"%s\"%s"):format(client.number, client.identifier, account);
end

local function and_more(shown, all, how)
	return all > shown and (" and %d more%s"):format(all - shown, how) or "";
end

--- One client in full

local function session_of(client)
	if client.expiry == 0 then return "ends with its connection"; end
	return ("outlives its connection by %s%s"):format(counted(client.expiry, "second"),
		client.is_stored and ", and Prosody" or "");
end

local function limits_of(client)
	if client.receive_maximum == 0 then return ""; end
	return (", of at most %d"):format(client.receive_maximum);
end

local function will_of(client)
	local will = client.will;
	if not will then return "none"; end
	return ("%s, QoS %d%s, %s%s"):format(will.topic, will.qos, will.retain and ", retained" or "",
		counted(will.bytes, "byte"), will.delay > 0 and (", after %s"):format(counted(will.delay, "second")) or "");
end

local function filter_of(filter)
	return filter.named..(filter.meant ~= filter.named and (" (%s)"):format(filter.meant) or "")
		..(", QoS %d"):format(filter.qos)
		..(filter.no_local and ", No Local" or "")..(filter.retain_as_published and ", Retain As Published" or "")
		..(filter.identifier > 0 and (", identifier %d"):format(filter.identifier) or "");
end

local function in_full(client)
	local rows = {};
	local function add(what, value) table.insert(rows, { what = what, value = value }); end
	add("number", client.number);
	add("client identifier", client.identifier);
	add("account", client.account ~= "" and client.account or "none, without login");
	add("address", client.address ~= "" and client.address or "unknown, an earlier process has left the session");
	add("state", ("%s since %s"):format(state(client), time_before(client.since)));
	add("MQTT", mqtt(client));
	if client.connected then
		add("keep-alive", client.keep_alive > 0 and counted(client.keep_alive, "second") or "none");
	end
	add("session", session_of(client));
	add("queue", ("%s, %s"):format(counted(client.queued, "message"), counted(client.queued_bytes, "byte")));
	add("in flight", counted(client.in_flight, "message")..limits_of(client));
	add("send buffer", counted(client.waiting_bytes, "byte").." that the client has not taken yet");
	add("received", counted(client.received, "message").." at QoS 2 that the client has not released");
	if client.receive_maximum > 0 and client.max_packet_size < highest_number then
		add("largest packet", counted(client.max_packet_size, "byte"));
	end
	add("dropped", counted(client.dropped, "message"));
	add("will", will_of(client));
	for _, filter in ipairs(client.all_filters) do add("filter", filter_of(filter)); end
	return {
		columns = { { name = "what", label = "What" }, { name = "value", label = "Value" } };
		rows = rows;
		text = counted(client.filters, "filter")..and_more(#client.all_filters, client.filters, "");
	};
end

-- shared: with `core`, the gateway, while there is one; in_slices: what that library returns
return function (shared, in_slices)
	local clients = {};

	-- Promise of { clients =, sessions =, connected = }: the first ones, and how many there are. query: of core:clients()
	local function find(query)
		local found = { clients = {}, sessions = 0, connected = 0 };
		return in_slices(function ()
			local core = shared.core; -- which `shared` may lose on the way
			if not core then return promise.reject("MQTT is not running"); end
			query.most = most_shown - #found.clients;
			local page = core:clients(query);
			for _, client in ipairs(page.clients) do table.insert(found.clients, client); end
			found.sessions = found.sessions + page.sessions;
			found.connected = found.connected + page.connected;
			query.from = page.next;
			if not page.next then return found; end
		end);
	end

	local function listed(found, text)
		table.sort(found.clients, function (a, b) return a.number < b.number; end);
		local rows = {};
		for _, client in ipairs(found.clients) do table.insert(rows, row(client)); end
		return { columns = columns, rows = rows, text = text..and_more(#rows, found.sessions,
			", name a part of their client identifier, account or address") };
	end

	-- text: what client identifier, account or address must have in it; nil: they need not
	function clients.list(text)
		return find({ text = text }):next(function (found)
			local shown = #found.clients < found.sessions and (": %d"):format(#found.clients) or "";
			return listed(found, ("%s, %d of them connected%s"):format(
				counted(found.sessions, "MQTT session"), found.connected, shown));
		end);
	end

	function clients.list_away(text)
		return find({ text = text, is_away = true }):next(function (found)
			local shown = #found.clients < found.sessions and (": %d"):format(#found.clients) or "";
			return listed(found, ("%s away%s"):format(counted(found.sessions, "MQTT session"), shown));
		end);
	end

	-- Promise of the client with that number, or of the one with that client identifier.
	local function one(which)
		local number = math.tointeger(tonumber(which));
		if number and (number < 1 or number > highest_number) then number = nil; end
		local found = {}; -- session -> client
		local function add(result)
			for _, client in ipairs(result.clients) do found[client.session] = client; end
		end
		local function with_identifier()
			return math.type(which) == nil and find({ identifier = which }):next(add);
		end
		return (number and find({ number = number }):next(add) or promise.resolve()):next(with_identifier):next(function ()
			local session, client = next(found);
			if not session then
				return promise.reject("No such client: give the number that mqtt:list() shows, or a client identifier");
			elseif next(found, session) then
				local names = {};
				for _, each in pairs(found) do table.insert(names, name(each)); end
				table.sort(names);
				return promise.reject("Several clients are called so, give the number: "..table.concat(names, ", "));
			end
			return client;
		end);
	end

	function clients.show(which)
		return one(which):next(function (client)
			local core = shared.core;
			local details = core and core:client(client.session, most_shown);
			return details and in_full(details) or promise.reject("The session is over");
		end);
	end

	function clients.close(which)
		return one(which):next(function (client)
			if not client.connected then
				return promise.reject(("No such client is connected: %s is away"):format(name(client)));
			end
			local core = shared.core;
			if not core then return promise.reject("MQTT is not running"); end
			core:close_connection(client.session);
			return { text = "Closed: "..name(client) };
		end);
	end

	function clients.delete(which)
		return one(which):next(function (client)
			local core = shared.core;
			if not core then return promise.reject("MQTT is not running"); end
			core:end_session(client.session);
			return { text = "Deleted: "..name(client) };
		end);
	end

	return clients;
end
