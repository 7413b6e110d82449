-- mqtt_mountpoint: where topics are taken whose first level is no pubsub host (docs/mapping.md, "The mount point").

local array = require "util.array";
local configmanager = require "core.configmanager";
local it = require "util.iterators";
local nameprep = require "util.encodings".stringprep.nameprep;

-- settings: what settings.lib.lua returns; shared: see mod_pubsub_mqtt.lua
return function (settings, shared)
	local mountpoint = {};
	local setting; -- as it was read last
	local logged; -- what was said of it last

	local function log_once(level, text)
		if text ~= logged then module:log(level, "%s", text); end
		logged = text;
	end

	-- Where the module is enabled, and pubsub components that are configured.
	local function pubsub_hosts()
		local hosts = {};
		for host in pairs(shared.services) do hosts[host] = true; end
		for host in pairs(configmanager.getconfig()) do
			if configmanager.get(host, "component_module") == "pubsub" then hosts[host] = true; end
		end
		return array.collect(it.keys(hosts));
	end

	-- Tells the core what the setting is worth, since pubsub hosts may have come or gone.
	function mountpoint.follow_hosts()
		local core = shared.core; -- which `shared` may lose on the way
		if not core then return; end
		local fault = core:set_mountpoint(setting, pubsub_hosts());
		if fault then
			log_once("error", ("mqtt_mountpoint = %q: %s: topics are mounted nowhere"):format(setting, fault));
		elseif setting then
			log_once("info", ("Topics and filters whose first level is no pubsub host are taken below %s: so are # and +/..., "
				.."which select nothing on other hosts"):format(setting));
		end
	end

	-- The name of a component may have capitals in the configuration; Prosody's has none.
	local function with_prosodys_name(text)
		return text and text:gsub("^[^/]+", nameprep);
	end

	function mountpoint.read_settings()
		setting, logged = with_prosodys_name(settings.string("mqtt_mountpoint")), nil;
		mountpoint.follow_hosts();
	end

	return mountpoint;
end
