-- $pubsub/items/HOST/TYPE/NODE: what a node keeps, the newest first, as a subscription to that topic would bring it.

local jid = require "util.jid";
local json = require "util.json";
local storagemanager = require "core.storagemanager";

local payload_fields = module:require "payload_fields";

local types = { json = true, utf8 = true, atom_title = true, xml = true, binary = true, any = true };

-- As mod_pubsub opens it; items() of its service tells no times.
local function archive_of(host, node)
	return storagemanager.get_driver(host, "pubsub_data"):open("pubsub_"..node, "archive");
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
	local function add(page, item, type, most_bytes)
		local natural, payload, media = shared.core:payload(item.element, type);
		if not natural then return true; end -- it is of another TYPE
		local row = {
			id = item.id, published = time_of(item.when), type = natural, media = media, bytes = #payload;
			publisher = item.publisher and jid.bare(item.publisher) or json.null;
		};
		if #payload > most_bytes then return page.add(row, row.id); end
		return page.add(payload_fields(row, payload), row.id, without_payload);
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
		local shows_publisher = rights.exposes_publisher(host);
		-- While others have their turn, what a storage iterates over stays open: a list, a file, a statement.
		local found = assert(archive_of(host, node):find(nil, { reverse = true, before = after }));
		for id, element, when, publisher in found do
			-- Rights may have been taken meanwhile, and the node deleted.
			if inquiry:pause() then check(inquiry, host, type, node); end
			local item = { id = id, element = element, when = when, publisher = shows_publisher and publisher };
			if not add(page, item, type, inquiry.most_bytes) then return page.finish(true); end
		end
		return page.finish(false);
	end
end
