-- Whom the ports believe, which pages they let in, and which one they serve, for the core: settings, and the names of
-- Prosody's hosts.

local array = require "util.array";
local it = require "util.iterators";
local net = require "util.net";

local v4_in_v6 = ("\0"):rep(10).."\255\255"; -- RFC 4291, 2.5.5.2

-- Of "192.0.2.1" or "192.0.2.0/24": what the core takes, or nil.
local function range(text)
	local address, bits = text:match("^([^/]+)/(%d+)$");
	local packed = net.pton(address or text);
	if not packed then return; end
	local most = #packed * 8;
	bits = math.tointeger(tonumber(bits or most)); -- nil for what is far too large
	if not bits or bits > most then return; end
	if #packed == 4 then return { address = v4_in_v6..packed, bits = 96 + bits }; end
	return { address = packed, bits = bits };
end

-- As browsers write one, without a path: in lower case, or nil.
local function origin(text)
	if text == "null" or text:match("^%a[%w+.-]*://[^/?#%s]+$") then return text:lower(); end
end

-- page: what page.lib.lua returns
return function (settings, shared, page)
	-- What is none of these is left out, and reported.
	local function each(read, setting, values, what)
		local list = array();
		for _, value in ipairs(values) do
			local element = read(tostring(value));
			if element then
				list:push(element);
			else
				module:log("error", "%s: %q is no %s: it is left out", setting, tostring(value), what);
			end
		end
		return list;
	end

	local address = "address, or range of addresses like 192.0.2.0/24";

	local of_settings;
	local function read_settings()
		of_settings = {
			proxies = each(range, "mqtt_proxies", settings.array("mqtt_proxies"), address);
			-- Prosody's own, with its default.
			trusted_proxies = each(range, "trusted_proxies",
				module:get_option_array("trusted_proxies", { "127.0.0.1", "::1" }), address);
			websocket_origins = each(origin, "mqtt_websocket_origins", settings.array("mqtt_websocket_origins"),
				"origin like https://app.example.org, without a path");
			page = page();
		};
	end

	local function give()
		local core = shared.core; -- which `shared` may lose on the way
		if not core then return; end
		of_settings.hosts = array.collect(it.keys(prosody.hosts));
		core:set_access(of_settings);
	end

	local function read_and_give()
		read_settings();
		give();
	end

	module:hook("host-activated", give);
	module:hook("host-deactivated", give);

	-- At once, and after a reload.
	read_and_give();
	return read_and_give;
end
