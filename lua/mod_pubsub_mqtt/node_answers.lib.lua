-- $pubsub/nodes and $pubsub/nodes/HOST: which nodes an account may read, and what it may do there.

local array = require "util.array";
local it = require "util.iterators";
local json = require "util.json";

local names_at_once = 50; -- of the core

local function text(value)
	return type(value) == "string" and value or "";
end

-- Whoever has no account is not told of others'.
local function owners(node_obj, account)
	local found = array();
	if account == "" then return found; end
	for jid, affiliation in pairs(node_obj.affiliations) do
		if affiliation == "owner" then found:push(jid); end
	end
	return found:sort();
end

local function without_words(row)
	row.title, row.description, row.owners = "", "", array();
	return row;
end

-- shared: see mod_pubsub_mqtt.lua; rights: what that library returns
return function (shared, rights)
	local services = shared.services;

	local function max_items(service, config)
		if config.max_items == "max" then return tonumber(service.config.max_items); end
		return tonumber(config.max_items);
	end

	local function row(host, node, account)
		local service = services[host];
		local node_obj = service.nodes[node];
		local config = node_obj.config;
		return {
			node = node, title = text(config.title), description = text(config.description);
			owners = owners(node_obj, account);
			may = {
				read = true;
				publish = rights.refuse_publish(host, node, account) == nil;
				configure = rights.may_configure(host, node, account);
			};
			persists = config.persist_items == true;
			max_items = max_items(service, config);
		};
	end

	local function add(page, host, node, account)
		return page.add(row(host, node, account), node, without_words);
	end

	local function one(inquiry, host, node)
		if not services[host].nodes[node] then inquiry:refuse("item-not-found", "there is no such node"); end
		-- XMPP has nodes whose names no topic can have: they are in no list.
		if not shared.core:sees_node(host, node) then
			inquiry:refuse("item-not-found", "MQTT does not see the node: no topic can have its name");
		end
		if not rights.may_receive(host, node, inquiry.account) then
			inquiry:refuse("forbidden", "you may not read the node");
		end
		local page = inquiry:page("nodes");
		add(page, host, node, inquiry.account);
		return page.finish(false);
	end

	local function list(inquiry, host, after, contains)
		local page = inquiry:page("nodes");
		local next_one = after;
		while next_one do
			local names;
			names, next_one = shared.core:node_names(host, next_one, names_at_once);
			for _, node in ipairs(names) do
				inquiry:pause();
				if not services[host] then inquiry:refuse("item-not-found", "the pubsub component has gone"); end
				if node:find(contains, 1, true) and rights.may_receive(host, node, inquiry.account)
				and not add(page, host, node, inquiry.account) then
					return page.finish(true);
				end
			end
			inquiry:pause();
		end
		return page.finish(false);
	end

	local node_answers = {};

	function node_answers.nodes(inquiry, host)
		if not services[host] then inquiry:refuse("item-not-found", "no pubsub component of that name serves MQTT"); end
		local after, contains, node = inquiry:text("after") or "", inquiry:text("contains") or "", inquiry:text("node");
		if node then return one(inquiry, host, node); end
		return list(inquiry, host, after, contains);
	end

	-- What stands before the names of nodes that the account names without host and TYPE; nil: it names none so, or by
	-- its client identifier.
	local function mounted(host, account)
		local view, other = shared.core:topic("-", account, "a"), shared.core:topic("-", account, "b");
		if not view.is_mounted or view.host ~= host or view.topic ~= other.topic then return; end
		return (view.node:gsub("/?%-$", ""));
	end

	function node_answers.hosts(inquiry)
		local account, hosts = inquiry.account, array();
		for host in it.sorted_pairs(services) do
			hosts:push({
				host = host, mounted = mounted(host, account);
				name = module:context(host):get_option_string("name", "Prosody PubSub Service");
			});
		end
		return json.encode({
			account = account ~= "" and account or json.null;
			administrator = rights.is_administrator(account);
			hosts = hosts;
		});
	end

	return node_answers;
end
