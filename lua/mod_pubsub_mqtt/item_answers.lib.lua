-- $pubsub/items/HOST/TYPE/NODE: what a node keeps, the newest first, as a subscription to that topic would bring it.

local jid = require "util.jid";
local json = require "util.json";
local monotonic = require "util.time".monotonic;
local storagemanager = require "core.storagemanager";

local payload_fields = module:require "payload_fields";

local types = { json = true, utf8 = true, atom_title = true, xml = true, binary = true, any = true };

-- Items that are read at once: storages keep nothing open in between, and some of them read all of a node each time.
local fewest_at_once, most_at_once = 8, 64;
local fast = 0.001; -- seconds

-- As mod_pubsub opens it; items() of its service tells no times.
local function archive_of(host, node)
	return storagemanager.get_driver(host, "pubsub_data"):open("pubsub_"..node, "archive");
end

-- Returns a list of { id, payload element, time in seconds, publisher }, of at most so many behind that id.
local function read(archive, before, limit)
	local found, items = {}, archive:find(nil, { reverse = true, limit = limit, before = before });
	if not items then return found; end
	for id, payload, when, publisher in items do table.insert(found, { id, payload, when, publisher }); end
	return found;
end

local function time_of(when)
	return when and os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(when)) or json.null;
end

local function without_payload(row)
	row.text, row.base64 = nil, nil;
	return row;
end

-- shared: see mod_pubsub_mqtt.lua; rights: what that library returns
return function (shared, rights)
	local services = shared.services;

	-- Returns false where the page has no place for it.
	local function add(page, item, type, shows_publisher, most_bytes)
		local id, element, when, publisher = table.unpack(item, 1, 4);
		local natural, payload, media = shared.core:payload(element, type);
		if not natural then return true; end -- it is of another TYPE
		local row = {
			id = id, published = time_of(when), type = natural, media = media, bytes = #payload;
			publisher = shows_publisher and publisher and jid.bare(publisher) or json.null;
		};
		if #payload > most_bytes then return page.add(row, id); end
		return page.add(payload_fields(row, payload), id, without_payload);
	end

	local function check(inquiry, host, type, node)
		local service = services[host];
		if not service then inquiry:refuse("item-not-found", "no pubsub component of that name serves MQTT"); end
		if not types[type] then
			inquiry:refuse("item-not-found", "TYPE is json, utf8, atom_title, xml, binary or any");
		end
		if not service.nodes[node] then inquiry:refuse("item-not-found", "there is no such node"); end
		if not rights.may_receive(host, node, inquiry.account) or not rights.may_read(host, node, inquiry.account) then
			inquiry:refuse("forbidden", "you may not read the node");
		end
	end

	return function (inquiry, host, type, node)
		check(inquiry, host, type, node);
		local after, page = inquiry:text("after"), inquiry:page("items");
		local items = services[host].data[node];
		if not items then return page.finish(false); end
		if after and not items:get(after) then
			inquiry:refuse("item-not-found", "the item to go on behind is not there any more");
		end
		local archive, at_once, shows_publisher = archive_of(host, node), fewest_at_once, rights.exposes_publisher(host);
		while true do
			local began = monotonic();
			local found = read(archive, after, at_once);
			if #found == 0 then return page.finish(false); end
			if monotonic() - began < fast then at_once = math.min(2*at_once, most_at_once); end
			for _, item in ipairs(found) do
				inquiry:pause();
				if not add(page, item, type, shows_publisher, inquiry.most_bytes) then return page.finish(true); end
				after = item[1];
			end
			-- Rights may have been taken meanwhile, and the node deleted.
			check(inquiry, host, type, node);
		end
	end
end
