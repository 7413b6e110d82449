-- Retained messages as the administrator sees them: those that a topic filter selects, whoever may read them.

local promise = require "util.promise";

local counted = module:require "counted";

local most_shown = 200;
local most_at_once = 100; -- of the core: a few milliseconds where payloads are large

local columns = {
	{ name = "topic", label = "Topic" };
	{ name = "qos", label = "QoS" };
	{ name = "bytes", label = "Bytes" };
	{ name = "expires", label = "Expires" };
	{ name = "payload", label = "Payload" };
};

local function row(message)
	return {
		topic = message.topic, qos = message.qos, bytes = message.bytes;
		expires = message.expires_in and os.date("%Y-%m-%d %H:%M:%S", os.time() + message.expires_in) or "never";
		payload = message.excerpt == "" and message.bytes > 0 and "(no text)" or message.excerpt;
	};
end

-- shared: with `core`, the gateway, while there is one; in_slices: what that library returns
return function (shared, in_slices)
	local retained_messages = {};

	-- Calls `visit` with each. Returns a promise of the filter in full.
	local function for_each(named, visit)
		local filter, host, node;
		local messages, next_one = {}, 1;
		return in_slices(function ()
			local core = shared.core; -- which `shared` may lose on the way
			if not core then return promise.reject("MQTT is not running"); end
			if not filter then
				local view = core:filter(named);
				if view.fault then return promise.reject(("The filter %s: %s"):format(named, view.fault)); end
				filter = view.topic;
			end
			if messages[next_one] then
				visit(core, messages[next_one]);
				next_one = next_one + 1;
				return;
			elseif next_one > 1 and not host then
				return filter;
			end
			local page = core:retained(filter, most_at_once, host, node);
			messages, next_one, host, node = page.messages, 1, page.next_host, page.next_node;
			if not host and #messages == 0 then return filter; end
		end);
	end

	function retained_messages.list(named)
		local rows, number = {}, 0;
		return for_each(named, function (_, message)
			number = number + 1;
			if number <= most_shown then table.insert(rows, row(message)); end
		end):next(function (filter)
			local more = number > #rows and (": %d and %d more, name a narrower filter"):format(#rows, number - #rows) or "";
			return { columns = columns, rows = rows;
				text = ("%s below %s%s"):format(counted(number, "retained message"), filter, more) };
		end);
	end

	function retained_messages.clear(named)
		local number = 0;
		return for_each(named, function (core, message)
			if core:clear_retained(message.host, message.node) then number = number + 1; end
		end):next(function (filter)
			return { text = ("%s below %s cleared"):format(counted(number, "retained message"), filter) };
		end);
	end

	return retained_messages;
end
