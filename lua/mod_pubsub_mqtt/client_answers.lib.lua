-- $pubsub/clients and $pubsub/clients/close, for administrators of the server: those whom they are shown and may close
-- with the commands of administration.lib.lua.

local json = require "util.json";
local now = require "util.time".now;

-- The time when a client was connected, or left.
local function time_before(seconds)
	return os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(now() - seconds));
end

local function row_of(client)
	local since = time_before(client.since);
	return {
		number = client.number, client = client.identifier;
		account = client.account ~= "" and client.account or json.null;
		address = client.address ~= "" and client.address or json.null; -- an earlier process has left it
		transport = client.address ~= "" and client.transport:lower() or json.null;
		version = client.version, is_bridge = client.is_bridge, connected = client.connected;
		connected_since = client.connected and since or json.null, away_since = client.connected and json.null or since;
		queued = client.queued, queued_bytes = client.queued_bytes, in_flight = client.in_flight;
		dropped = client.dropped, filters = client.filters;
	};
end

-- shared: see mod_pubsub_mqtt.lua; rights: what that library returns
return function (shared, rights)
	local function check(inquiry)
		if not rights.is_administrator(inquiry.account) then
			inquiry:refuse("forbidden", "this is for administrators of the server");
		end
	end

	-- Calls `visit` with each client that is asked for, from a part on, and where the part begins and the client stands in
	-- it, until it returns false. query: of core:clients()
	local function for_each(inquiry, query, visit)
		while query.from do
			local part = shared.core:clients(query);
			for place, client in ipairs(part.clients) do
				inquiry:pause();
				if visit(client, query.from, place) == false then return false; end
			end
			query.from = part.next;
			inquiry:pause();
		end
		return true;
	end

	-- Where the next page goes on: behind the client in that place of the part that begins there.
	local function position(inquiry)
		local after = inquiry:text("after");
		if not after then return 0, 0; end
		local from, place = after:match("^(%d+):(%d+)$");
		from, place = math.tointeger(tonumber(from)), math.tointeger(tonumber(place));
		if not from or not place then inquiry:refuse("bad-request", "\"after\" is to be \"next\" of the page before"); end
		return from, place;
	end

	local client_answers = {};

	function client_answers.list(inquiry)
		check(inquiry);
		local first_part, first_place = position(inquiry);
		local page = inquiry:page("clients");
		local query = { from = first_part, most = first_place + inquiry:limit() + 1, text = inquiry:text("contains") };
		local all = for_each(inquiry, query, function (client, part, place)
			if part == first_part and place <= first_place then return; end
			return page.add(row_of(client), ("%d:%d"):format(part, place));
		end);
		return page.finish(not all);
	end

	local function number_of(inquiry)
		local number = inquiry.arguments.number;
		if number == nil or number == json.null then return; end
		number = type(number) == "number" and math.tointeger(number);
		if not number or number < 1 or number >= 2^32 then inquiry:refuse("bad-request", "\"number\" is to be a number"); end
		return number;
	end

	function client_answers.close(inquiry)
		check(inquiry);
		local identifier, number = inquiry:text("client"), number_of(inquiry);
		if not identifier and not number then
			inquiry:refuse("bad-request", "give \"client\", an identifier, or \"number\", which the list shows");
		end
		local found = {};
		for_each(inquiry, { from = 0, most = 2, identifier = identifier, number = number }, function (client)
			if client.connected then table.insert(found, client.session); end
		end);
		if #found == 0 then inquiry:refuse("item-not-found", "no such client is connected"); end
		if #found > 1 then inquiry:refuse("conflict", "several clients are called so, give the number"); end
		shared.core:close_connection(found[1]);
		return "{\"closed\":true}";
	end

	return client_answers;
end
