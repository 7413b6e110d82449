-- prosodyctl mod_storage_pubsub_mqtt import HOST [STORAGE], and export
--
-- Copies nodes and items of a pubsub component, or of the accounts of a VirtualHost (PEP), between the store and
-- another of Prosody's storages. What the target has of the same nodes is replaced; the source stays as it is.

local datamanager = require "util.datamanager";
local datetime = require "util.datetime".datetime;
local jid = require "util.jid";
local prosodyctl = require "util.prosodyctl";
local st = require "util.stanza";
local storagemanager = require "core.storagemanager";

local ours = "pubsub_mqtt";
local patience = 60; -- seconds, at the end, for what is not written yet

local usage = [[
Usage: prosodyctl mod_storage_pubsub_mqtt import HOST [STORAGE]
       prosodyctl mod_storage_pubsub_mqtt export HOST [STORAGE]

Copies the nodes of HOST, and their items, from STORAGE to pubsub_mqtt, or from
pubsub_mqtt to STORAGE, which is internal (Prosody's files) where it is left out.
Nodes of the same name in the target are replaced. Prosody must not be running.]];

-- What a storage has answered; nil is a failure, which ends all.
local function check(store, result, err)
	return result or error(("the store %s: %s"):format(store, err), 0);
end

local function open(driver, store, typ)
	return check(store, driver:open(store, typ));
end

local function append_each(target, store, user, items)
	local count = 0;
	for key, payload, when, with in items do
		check(store, target:append(user, key, payload, when, with));
		count = count + 1;
	end
	return count;
end

-- The same for Prosody's files, whose append() reads and writes the whole list for each item: of 10,000 they would take
-- minutes.
local function append_as_a_list(target, store, user, items, host)
	local list = {};
	for key, payload, when, with in items do
		local item = st.preserialize(st.clone(payload));
		item.key, item.when, item.with, item.attr.stamp = key, when, with, datetime(when);
		table.insert(list, item);
	end
	local most = target.caps and target.caps.quota or math.huge;
	if #list > most then
		error(("the store %s: it has %d items, and storage_archive_item_limit is %d"):format(store, #list, most), 0);
	end
	check(store, datamanager.list_store(user, host, store, list));
	return #list;
end

-- Returns how many items were copied. from, to: each a driver, with the name of the storage and the host
local function copy_items(from, to, store, user)
	local source, target = open(from.driver, store, "archive"), open(to.driver, store, "archive");
	local items = check(store, source:find(user, {}));
	check(store, target:delete(user));
	local append = to.name == "internal" and append_as_a_list or append_each;
	return append(target, store, user, items, to.host);
end

-- A pubsub component: a table for each node, and an archive for its items. Returns how many of both were copied.
local function copy_component(from, to)
	local nodes, items = 0, 0;
	local source, target = open(from.driver, "pubsub_nodes"), open(to.driver, "pubsub_nodes");
	for node in source:users() do
		items = items + copy_items(from, to, "pubsub_"..node);
		check("pubsub_nodes", target:set(node, check("pubsub_nodes", source:get(node))));
		nodes = nodes + 1;
	end
	local earlier = "pubsub_mqtt_retained";
	local retained, copy = open(from.driver, earlier), open(to.driver, earlier);
	for node in retained:users() do check(earlier, copy:set(node, retained:get(node))); end
	return nodes, items;
end

-- PEP: a table for each account, whose keys are its nodes, and an archive for each node's items.
local function copy_accounts(from, to)
	local nodes, items = 0, 0;
	local source, target = open(from.driver, "pep"), open(to.driver, "pep");
	for user in source:users() do
		local nodes_of_user = check("pep", source:get(user));
		for node in pairs(nodes_of_user) do
			items = items + copy_items(from, to, "pep_"..node, user);
			nodes = nodes + 1;
		end
		check("pep", target:set(user, nodes_of_user));
	end
	return nodes, items;
end

-- Returns why it cannot be begun.
local function why_not(command, host, other)
	if (command ~= "import" and command ~= "export") or not host then return usage; end
	if not prosody.hosts[host] then return ("There is no host %s in the configuration"):format(host); end
	if other == ours then return ("STORAGE is the other one, and not %s itself"):format(ours); end
	local ok, is_running = prosodyctl.isrunning();
	if ok and is_running then return "Prosody is running: stop it first, its pubsub would not notice"; end
end

local function refuse(text)
	print(text);
	return 1;
end

-- store: of the library; new_driver: of a host
return function (store, new_driver, arguments)
	local command, host, other = arguments[1], arguments[2] and jid.prep(arguments[2]), arguments[3] or "internal";
	local problem = why_not(command, host, other);
	if problem then return refuse(problem); end
	storagemanager.initialize_host(host);
	local theirs = storagemanager.load_driver(host, other);
	if not theirs then return refuse(("The storage %q cannot be used, see above"):format(other)); end
	local from = { name = other, driver = theirs, host = host };
	local to = { name = ours, driver = new_driver(host), host = host };
	if command == "export" then from, to = to, from; end
	local is_component = module:context(host):get_option_string("component_module") ~= nil;
	store:start(); -- commits many at once
	local ok, nodes, items = pcall(is_component and copy_component or copy_accounts, from, to);
	local is_written = store:stop(patience);
	if ok and is_written then
		print(("%d nodes with %d items were copied from %s to %s"):format(nodes, items, from.name, to.name));
		return 0;
	end
	for _, line in ipairs(store:take_log()) do print(line.text); end
	return refuse("Not all was copied: "..(ok and "the store could not be written" or tostring(nodes)));
end
