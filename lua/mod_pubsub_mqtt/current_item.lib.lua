-- Which retained message of a node is the true one when MQTT begins to serve it: our copy, or what pubsub has. While
-- the module was not loaded, or in the last seconds before a kill, either may have changed alone.

local st = require "util.stanza";
local storagemanager = require "core.storagemanager";
local it = require "util.iterators";
local random_id = require "util.id".medium;
local wall_time = require "util.time".now;
local xml = require "util.xml";

local retained_id = "current"; -- XEP-0060, Singleton Node

-- In a node's configuration, which goes with the node: who deletes a node and creates it again makes another one.
local marker = "pubsub_mqtt_node";

local current_item = {};

--- The identity of a node

-- Of a node that is about to be created with this configuration.
function current_item.give_identity(config)
	config[marker] = random_id();
end

local unstored; -- configuration -> true, where the marker is not in pubsub's store yet

-- Gives the node one, where it has none.
function current_item.identity(service, node)
	local config = service.nodes[node].config;
	if not rawget(config, marker) then
		config[marker] = random_id();
		unstored[config] = true;
	end
	return config[marker];
end

-- False and an error where the store fails. What pubsub does not accept for another reason stays without.
function current_item.store_identity(service, node)
	local old_config = service.nodes[node].config;
	if not unstored[old_config] then return true; end
	local config = {};
	for option, value in pairs(old_config) do config[option] = value; end
	local ok, err = service:set_node_config(node, true, config);
	if not ok and err == "internal-server-error" then return false, err; end
	unstored[old_config] = nil;
	return true;
end

-- A node's new configuration, by whomever: it is the same node.
function current_item.keep_identity(service, node, new_config)
	local node_obj = service.nodes[node];
	if node_obj and type(new_config) == "table" then new_config[marker] = rawget(node_obj.config, marker); end
end

--- Comparison

-- Two stanzas that mean the same have the same text. inherited: the namespace around it. XML knows no CR (XML 1.0,
-- 2.11), so that a store may have lost it; and where Prosody reads XML, that an element has no namespace.
local function text_of(stanza, inherited)
	local xmlns = stanza.attr.xmlns;
	if (xmlns or "") == "" then xmlns = inherited; end
	local parts = { ("<{%s}%s"):format(xmlns or "", stanza.name) };
	for name, value in it.sorted_pairs(stanza.attr) do
		if name ~= "xmlns" then table.insert(parts, (" %s='%s'"):format(name, st.xml_escape(value))); end
	end
	table.insert(parts, ">");
	for _, child in ipairs(stanza) do
		table.insert(parts, type(child) == "string" and st.xml_escape(child) or text_of(child, xmlns));
	end
	table.insert(parts, "</>");
	return (table.concat(parts):gsub("\r\n?", "\n"));
end

-- message: of the store of retained messages
local function is_equal(message, payload)
	local element = type(message.element) == "string" and xml.parse(message.element);
	return element and text_of(element) == text_of(payload);
end

--- What pubsub has

-- As mod_pubsub opens it; items() of its service tells no times.
local function archive_of(host, node)
	local ok, archive = pcall(function ()
		return storagemanager.get_driver(host, "pubsub_data"):open("pubsub_"..node, "archive");
	end);
	return ok and archive or nil;
end

-- node -> true, of those nodes of the list that have an item `current`; nil where the storage cannot say so of many at
-- once.
function current_item.find_in(host, nodes)
	local driver = storagemanager.get_driver(host, "pubsub_data");
	if not driver.stores_with_key then return; end
	local names, found = {}, {};
	for i, node in ipairs(nodes) do names[i] = "pubsub_"..node; end
	local those = driver:stores_with_key(names, "archive", retained_id);
	if not those then return; end
	for _, name in ipairs(those) do found[name:sub(#"pubsub_" + 1)] = true; end
	return found;
end

-- nil: nobody knows.
local function time_of_current(host, node)
	local archive = archive_of(host, node);
	local found = archive and archive:find(nil, { key = retained_id, reverse = true, limit = 1 });
	if not found then return; end
	local _, _, when = found();
	return when;
end

-- Whether the items that the node keeps have driven `current` out: there are as many as it keeps, and all are newer.
local function is_trimmed(host, service, node, message)
	local config = service.nodes[node].config;
	local max_items = tonumber(config.max_items) or tonumber(service.config.max_items);
	local archive = max_items and archive_of(host, node);
	local found = archive and archive:find(nil, { reverse = true, limit = max_items });
	if not found then return false; end
	local count = 0;
	for _, _, when in found do
		if not when or when < math.floor(message.time) then return false; end
		count = count + 1;
	end
	return count >= max_items;
end

-- When the message of the store has ended; nil where it has not.
function current_item.end_of(message)
	if message.ended then return message.ended; end
	return message.expires and message.expires <= wall_time() and message.expires or nil;
end

-- Whether the newest item is of the time after. Its whole seconds cannot always tell: then it is not.
local function has_item_after(time, host, node)
	local archive = archive_of(host, node);
	local found = archive and archive:find(nil, { reverse = true, limit = 1 });
	if not found then return false; end
	local _, _, when = found();
	return when ~= nil and when > time;
end

-- The item wins where its whole seconds cannot tell.
local function is_newer(message, host, node)
	local when = time_of_current(host, node);
	return when ~= nil and math.floor(message.time) > when;
end

-- Returns which is the true one: "copy", the message; "item" and pubsub's item; "end" and its time, where the message
-- has ended and no item is newer; or nil, where the node has no retained message. Raises where the storage fails.
-- message: the copy of the store, or nil
function current_item.compare(host, service, node, message)
	local node_obj, items = service.nodes[node], service.data[node];
	local identity = rawget(node_obj.config, marker);
	local is_of_node = message and (message.time or message.ended) and message.node and message.node == identity;
	if not node_obj.config.persist_items or not items then
		return is_of_node and not message.ended and "copy" or nil;
	end
	local item, err = items:get(retained_id);
	if not item and err then error(err, 0); end
	local payload = item and item.tags[1];
	if payload then
		local is_copy = message and message.time
			and (is_equal(message, payload) or is_of_node and is_newer(message, host, node));
		return is_copy and "copy" or "item", item;
	end
	if not is_of_node then return; end
	if message.time and is_trimmed(host, service, node, message) then return "copy"; end
	-- Without an end it was retracted, nobody knows when.
	local time = current_item.end_of(message) or message.time;
	if not has_item_after(time, host, node) then return "end", time; end
end

-- shared: with `unstored`, see mod_pubsub_mqtt.lua
return function (shared)
	unstored = shared.unstored;
	return current_item;
end
