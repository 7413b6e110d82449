-- Where a host is configured to store something in the store of sessions, its driver comes first: it opens the store as
-- one that is never put aside for an empty one, however late something of Prosody's is read from it.

local configmanager = require "core.configmanager";
local storagemanager = require "core.storagemanager";

local ours = "pubsub_mqtt";

local function is_used(host)
	local storage = configmanager.get(host, "storage");
	if storage == ours or configmanager.get(host, "default_storage") == ours then return true; end
	for _, driver in pairs(type(storage) == "table" and storage or {}) do
		if driver == ours then return true; end
	end
end

return function ()
	for host in pairs(prosody.hosts) do
		if is_used(host) then storagemanager.load_driver(host, ours); end
	end
end
