-- $pubsub/retained, for administrators of the server: the retained messages that a filter selects, whoever may read
-- them.

local payload_fields = module:require "payload_fields";

local most_at_once = 20; -- of the core

-- shared: see mod_pubsub_mqtt.lua; rights: what that library returns
return function (shared, rights)
	local function filter_of(inquiry)
		local view = shared.core:filter(inquiry:text("filter") or "#");
		if view.fault then inquiry:refuse("bad-request", ("\"filter\": %s"):format(view.fault)); end
		return view.topic;
	end

	-- Where the next page goes on: behind the node of that topic.
	local function position(inquiry)
		local after = inquiry:text("after");
		if not after then return; end
		local host, node = after:match("^([^/]+)/[^/]+/(.+)$");
		if not host then inquiry:refuse("bad-request", "\"after\" is to be \"next\" of the page before"); end
		return host, node;
	end

	local function without_payload(row)
		row.text, row.base64 = nil, nil;
		return row;
	end

	-- Returns false where the page has no place for it.
	local function add(page, message, most_bytes)
		local row = { topic = message.topic, qos = message.qos, bytes = message.bytes };
		row.expires_in = message.expires_in and math.max(message.expires_in, 0);
		if message.bytes > most_bytes then return page.add(row, row.topic); end
		local type = message.topic:match("^[^/]+/([^/]+)/");
		local payload = shared.core:retained_payload(message.host, message.node, type) or "";
		return page.add(payload_fields(row, payload), row.topic, without_payload);
	end

	return function (inquiry)
		if not rights.is_administrator(inquiry.account) then
			inquiry:refuse("forbidden", "this is for administrators of the server");
		end
		local filter, page = filter_of(inquiry), inquiry:page("retained");
		local host, node = position(inquiry);
		repeat
			local part = shared.core:retained(filter, most_at_once, host, node);
			for _, message in ipairs(part.messages) do
				inquiry:pause();
				if not add(page, message, inquiry.most_bytes) then return page.finish(true); end
			end
			host, node = part.next_host, part.next_node;
			inquiry:pause();
		until not host;
		return page.finish(false);
	end
end
