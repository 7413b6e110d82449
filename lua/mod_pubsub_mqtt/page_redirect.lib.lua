-- Where Prosody's mod_http runs, https://HOST:5281/mqtt/ leads to the page, which is on MQTT's own port of HOST.

local portmanager = require "core.portmanager";

-- The lowest that is open; nil: none is.
local function port_of(service_name)
	local lowest;
	for _, _, port in portmanager.get_active_services():iter(service_name, nil, nil, nil) do
		lowest = math.min(port, lowest or port);
	end
	return lowest;
end

local function address_of_page(host)
	local with_tls = port_of("mqtt_tls");
	local port = with_tls or port_of("mqtt");
	if port then return ("%s://%s:%d/"):format(with_tls and "https" or "http", host, port); end
end

-- Without a port; nil for what is no host.
local function requested_host(request)
	local host = request.headers.host or "";
	return host:match("^(%[[%x:.]+%]):?%d*$") or host:match("^([%w.-]+):?%d*$");
end

local function lead(event)
	local host = requested_host(event.request);
	local address = host and address_of_page(host);
	if not address then return 404; end
	event.response.headers.location = address;
	return 307;
end

-- What is provided before mod_http has its ports, it calls an error.
local function http_is_open()
	local open = portmanager.get_active_services();
	return open:get("http") ~= nil or open:get("https") ~= nil;
end

-- page: what page.lib.lua returns
return function (page)
	local app = { name = "mqtt", route = { ["GET /"] = lead } };
	local is_provided = false;

	-- At once, and after a reload.
	local function follow()
		local is_served = http_is_open() and page() ~= nil;
		if is_served and not is_provided then
			module:provides("http", app);
		elseif is_provided and not is_served then
			module:remove_item("http-provider", app);
		end
		is_provided = is_served;
	end

	local function follow_http(event)
		if event.name == "http" or event.name == "https" then follow(); end
	end
	module:hook("service-added", follow_http);
	module:hook("service-removed", follow_http);
	follow();
	return follow;
end
