-- prosodyctl mod_storage_pubsub_mqtt import HOST [STORAGE], and export
--
-- Copies nodes and items of a pubsub component, or of the accounts of a VirtualHost (PEP), between the store and
-- another of Prosody's storages. What the target has of the same nodes is replaced; the source stays as it is.

local jid = require "util.jid";
local prosodyctl = require "util.prosodyctl";
local storagemanager = require "core.storagemanager";

local usage = [[
Usage: prosodyctl mod_storage_pubsub_mqtt import HOST [STORAGE]
       prosodyctl mod_storage_pubsub_mqtt export HOST [STORAGE]

Copies the nodes of HOST, and their items, from STORAGE to pubsub_mqtt, or from
pubsub_mqtt to STORAGE, which is internal (Prosody's files) where it is left out.
Nodes of the same name in the target are replaced. Prosody must not be running.]];

local function driver_of(host, name)
	local driver = storagemanager.load_driver(host, name);
	return driver or error(("The storage %q cannot be used, see above"):format(name), 0);
end

local function open(driver, store, typ)
	local opened, err = driver:open(store, typ);
	return opened or error(("The store %s cannot be opened: %s"):format(store, err), 0);
end

-- Returns how many items were copied.
local function copy_items(from, to, store, user)
	local source, target = open(from, store, "archive"), open(to, store, "archive");
	local items = assert(source:find(user, {}));
	assert(target:delete(user));
	local count = 0;
	for key, payload, when, with in items do
		assert(target:append(user, key, payload, when, with));
		count = count + 1;
	end
	return count;
end

-- A pubsub component: a table for each node, and an archive for its items. Returns how many of both were copied.
local function copy_component(from, to)
	local nodes, items = 0, 0;
	local source, target = open(from, "pubsub_nodes"), open(to, "pubsub_nodes");
	for node in source:users() do
		items = items + copy_items(from, to, "pubsub_"..node);
		assert(target:set(node, assert(source:get(node))));
		nodes = nodes + 1;
	end
	local retained, copy = open(from, "pubsub_mqtt_retained"), open(to, "pubsub_mqtt_retained");
	for node in retained:users() do assert(copy:set(node, retained:get(node))); end
	return nodes, items;
end

-- PEP: a table for each account, whose keys are its nodes, and an archive for each node's items.
local function copy_accounts(from, to)
	local nodes, items = 0, 0;
	local source, target = open(from, "pep"), open(to, "pep");
	for user in source:users() do
		local nodes_of_user = assert(source:get(user));
		for node in pairs(nodes_of_user) do
			items = items + copy_items(from, to, "pep_"..node, user);
			nodes = nodes + 1;
		end
		assert(target:set(user, nodes_of_user));
	end
	return nodes, items;
end

local function check(command, host)
	if (command ~= "import" and command ~= "export") or not host then return usage; end
	if not prosody.hosts[host] then return ("There is no host %s in the configuration"):format(host); end
	local ok, is_running = prosodyctl.isrunning();
	if ok and is_running then return "Prosody is running: stop it first, its pubsub would not notice"; end
end

-- store: of the library; new_driver: of a host
return function (store, new_driver, arguments)
	local command, host, other = arguments[1], arguments[2] and jid.prep(arguments[2]), arguments[3] or "internal";
	local why_not = check(command, host);
	if why_not then
		print(why_not);
		return 1;
	end
	storagemanager.initialize_host(host);
	store:start(); -- commits many at once
	local ours, theirs = new_driver(host), driver_of(host, other);
	local is_component = module:context(host):get_option_string("component_module") ~= nil;
	local copy = is_component and copy_component or copy_accounts;
	local from, to = theirs, ours;
	if command == "export" then from, to = ours, theirs; end
	local ok, nodes, items = pcall(copy, from, to);
	store:stop(60);
	if not ok then
		print(("Not all was copied: %s"):format(nodes));
		return 1;
	end
	print(("%d nodes with %d items were copied from %s to %s"):format(nodes, items,
		command == "import" and other or "pubsub_mqtt", command == "import" and "pubsub_mqtt" or other));
	return 0;
end
