-- A word to the administrator, once for a host: where much is published to nodes that persist, and Prosody's other
-- storages keep their items, publishers wait for these.

local monotonic = require "util.time".monotonic;
local storagemanager = require "core.storagemanager";

local ours = "pubsub_mqtt";
local rate = 20; -- messages of an account in a second

-- services: host -> pubsub service. Returns what is told each publish that pubsub has carried out.
return function (services)
	local told = {}; -- host -> true
	local begin, published = 0, {}; -- the second, and account -> how many in it

	local function tell(host)
		told[host] = true;
		local _, storage = storagemanager.get_driver(host, "pubsub_data");
		if storage == ours then return; end
		module:log("info", "More than %d messages a second are published to nodes of %s that persist, and %s storage is "
			.."slow to keep their items: write storage = \"%s\" below Component \"%s\" \"pubsub\", stop Prosody, and take "
			.."the nodes along with prosodyctl mod_storage_%s import %s", rate, host, storage, ours, host, ours, host);
	end

	return function (host, node, account)
		local node_obj = not told[host] and services[host].nodes[node]; -- which a handler may have deleted
		if not node_obj or not node_obj.config.persist_items then return; end
		local now = monotonic();
		if now - begin > 1 then begin, published = now, {}; end
		published[account] = (published[account] or 0) + 1;
		if published[account] > rate then tell(host); end
	end
end
