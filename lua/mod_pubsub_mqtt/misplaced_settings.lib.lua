-- Settings that nobody reads where they stand: in prosody.cfg.lua it is easy to write one below a Component.

local configmanager = require "core.configmanager";
local it = require "util.iterators";

-- What there is no more, and why not.
local removed = {
	mqtt_max_tls_handshake_rate = "TLS handshakes take turns by what they cost";
};

local top = "the top of the configuration, before the first VirtualHost or Component";

-- Where a host's settings stand in the configuration.
local function section_of(host)
	local component = configmanager.get(host, "component_module");
	if not component then return ("VirtualHost %q"):format(host); end
	return component == "component" and ("Component %q"):format(host) or ("Component %q %q"):format(host, component);
end

-- Where to put it; nil if it is read on this host.
local function better_place(place, host)
	if place == "host" then return; end
	if place ~= "component" then return top; end
	if configmanager.get(host, "component_module") ~= "pubsub" then return top..", or below a pubsub Component"; end
end

-- settings: what settings.lib.lua returns, after all settings have been read
return function (settings)
	local function check(host, name)
		local place = settings.place(name);
		if removed[name] then
			module:log("warn", "%s is no setting of pubsub_mqtt any more: remove it, %s", name, removed[name]);
		elseif not place then
			module:log("warn", "%s is no setting of pubsub_mqtt: see docs/configuration.md", name);
		elseif host ~= "*" then
			local better = better_place(place, host);
			if better then
				module:log("warn", "%s stands below %s, where it is not read: move it to %s", name, section_of(host), better);
			end
		end
	end

	return function ()
		for host, options in pairs(configmanager.getconfig()) do
			for name in it.sorted_pairs(options) do
				if type(name) == "string" and name:match("^mqtt_") then check(host, name); end
			end
		end
	end
end
