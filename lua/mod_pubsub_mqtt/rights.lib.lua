-- Pubsub, as the core asks for it: what a client may do, and doing it as that client (docs/mapping.md, "Rights").
-- A client is a bare JID, or "" without login: that one acts on open nodes only.

local jid = require "util.jid";
local st = require "util.stanza";
local usermanager = require "core.usermanager";

local retained_id = "current"; -- XEP-0060, Singleton Node

-- Errors of util.pubsub after which the same publish may succeed.
local passing_errors = { ["internal-server-error"] = true, ["resource-constraint"] = true };

-- Prosody's storages do not say why they failed: where so little is left of its disk, that is why. Items are written
-- with all others of their node.
local full_disk = 16*1024*1024; -- bytes

-- What MQTT 5.0 calls errors of util.pubsub (2.4); "implementation specific error" is for all others.
local reasons = {
	["forbidden"] = "not authorized", ["item-not-found"] = "topic name invalid";
	["invalid-item"] = "payload format invalid", ["resource-constraint"] = "quota exceeded";
};

-- Of the server: `admins` at the top of the configuration, on Prosody 13 also by role.
local function is_administrator(account)
	if not usermanager.get_jid_role then return usermanager.is_admin(account) == true; end -- Prosody 0.12
	local host = jid.host(account);
	if not prosody.hosts[host] then return false; end
	local role = usermanager.get_jid_role(account, host);
	return role ~= nil and role ~= false and role.name == "prosody:operator";
end

local sends_last_item = { on_sub = true, on_sub_and_presence = true };

-- shared: see mod_pubsub_mqtt.lua; available_bytes: the library's; the others: what these libraries return
return function (shared, component_settings, new_nodes, observers, available_bytes)
	local services, disabled, watched = shared.services, shared.disabled, shared.watched;
	local notice_slow_storage = module:require "slow_storage"(services);
	local rights = {};

	local function is_open(host, node)
		local node_obj = services[host].nodes[node];
		if not node_obj then return new_nodes.are_open(host, node); end
		return node_obj.config.access_model == "open";
	end

	local function may(host, node, account, action)
		if account == "" then return is_open(host, node); end
		return not disabled[account] and services[host]:may(node, account, action);
	end

	local function may_subscribe(host, node, account)
		return may(host, node, account, "subscribe") and may(host, node, account, "be_subscribed");
	end

	function rights.may_receive(host, node, account)
		local service = services[host];
		return service ~= nil and service.nodes[node] ~= nil and may_subscribe(host, node, account);
	end

	function rights.may_read(host, node, account)
		local service = services[host];
		return service ~= nil and service.nodes[node] ~= nil and may(host, node, account, "get_items");
	end

	function rights.subscribe(host, node, account)
		local service = services[host];
		if service.nodes[node] then
			return may_subscribe(host, node, account) and "granted" or "refused";
		end
		if new_nodes.may_create_by_subscribing(host, node, account) and new_nodes.create(host, node, account) then
			return "granted";
		end
		return "waits";
	end

	-- Why a client without login may not publish: in words, by MQTT 5.0's name, and the rule that says so; nil if it may.
	local function refuse_anonymous(host, node)
		local service = services[host];
		if component_settings.of(host).anonymous_affiliation ~= "publisher" then
			return "mqtt_anonymous_affiliation lets clients without login read only", "not authorized",
				"anonymous clients";
		end
		if not service.nodes[node] then
			if not service.config.autocreate_on_publish then
				return ("there is no such node: create it, or set autocreate_on_publish = true for %s"):format(host),
					"topic name invalid", "node creation";
			end
			local refusal, reason, rule = new_nodes.refuse(host, node, "");
			if refusal then return refusal, reason, rule; end
		end
		if not is_open(host, node) then
			return "clients without login publish to nodes whose access_model is \"open\"", "not authorized",
				"access model";
		end
	end

	-- The same for an account: the rule of util.pubsub's publish(), and of autocreation.
	local function refuse_account(host, node, account)
		local service = services[host];
		if disabled[account] then return "the account is disabled", "not authorized", "authentication"; end
		local node_obj = service.nodes[node];
		if not node_obj then return new_nodes.refuse_publish(host, node, account); end
		local publish_model = node_obj.config.publish_model;
		if service:may(node, account, "publish") or publish_model == "open"
		or (publish_model == "subscribers" and node_obj.subscribers[account]) then
			return;
		end
		return ("%s is no publisher of the node: give it the affiliation, or change publish_model"):format(account),
			"not authorized", "affiliation";
	end

	function rights.refuse_publish(host, node, account)
		if account == "" then return refuse_anonymous(host, node); end
		return refuse_account(host, node, account);
	end

	local function publish(host, node, account, id, item)
		local service = services[host];
		if not service.nodes[node] then
			local ok, err = new_nodes.create(host, node, account);
			if not ok then return ok, err; end
		end
		if account == "" then
			return service:publish(node, true, id, item);
		end
		item.attr.publisher = account; -- what storage keeps; pubsub shows it where expose_publisher says so
		return service:publish(node, account, id, item);
	end

	local function is_disk_full()
		local left = available_bytes(prosody.paths.data);
		return left ~= nil and left < full_disk;
	end

	-- Returns "accepted", "refused" or "failed", in the last two cases why, and MQTT 5.0's name of it, and in the first
	-- one whether nobody else has seen the item, and what observers.handle() returns.
	function rights.publish(host, node, account, item)
		local refusal, reason = rights.refuse_publish(host, node, account);
		if refusal then return "refused", refusal, reason; end
		local ok, done, err = pcall(publish, host, node, account, item.attr.id, item);
		if not ok then
			module:log("error", "Publishing to %s on %s failed, the item may be stored: %s", node, host, done);
			return "failed", "an error in Prosody, see the log";
		elseif done then
			notice_slow_storage(host, node, account);
			return "accepted", nil, nil, observers.has_none(watched[host], node), observers.handle(watched[host], node);
		end
		if err == "internal-server-error" and is_disk_full() then
			return "failed", "the disk that Prosody's data are on is full", "quota exceeded";
		end
		return passing_errors[err] and "failed" or "refused", tostring(err), reasons[err];
	end

	-- Raises where the storage fails.
	function rights.has_item(host, node, id)
		local service = services[host];
		local items = service and service.data[node];
		if not items then return false; end
		local item, err = items:get(id);
		if not item and err then error(err, 0); end
		return item ~= nil;
	end

	function rights.may_publish(host, node, account)
		if not services[host].nodes[node] then return "accepted"; end
		local refusal, reason = rights.refuse_publish(host, node, account);
		return refusal and "refused" or "accepted", refusal, reason;
	end

	function rights.may_configure(host, node, account)
		return account ~= "" and may(host, node, account, "configure");
	end

	function rights.is_administrator(account)
		return not disabled[account] and is_administrator(account);
	end

	function rights.exposes_publisher(host)
		return services[host].config.expose_publisher == true;
	end

	-- Who published an item: bare JID; nil where that is not shown, or nobody knows. actor: who publishes it now, if
	-- anybody does
	function rights.publisher(host, item, actor)
		if not rights.exposes_publisher(host) then return; end
		local publisher = item.attr.publisher or actor;
		return type(publisher) == "string" and jid.bare(publisher) or nil;
	end

	local function retract_current(host, node, notification)
		local service = services[host];
		local items = service and service.data[node];
		if items and items:get(retained_id) then
			service:retract(node, true, retained_id, notification);
		end
	end

	function rights.retract_current(host, node)
		retract_current(host, node, st.stanza("retract", { id = retained_id }));
	end

	function rights.drop_current(host, node)
		retract_current(host, node);
	end

	function rights.last_item(host, node, account)
		local service = services[host];
		local node_obj = service and service.nodes[node];
		if node_obj and sends_last_item[node_obj.config.send_last_published_item]
		and may(host, node, account, "get_items") then
			local ok, id, item = service:get_last_item(node, true);
			if ok and id then return item.tags[1], id, rights.publisher(host, item); end
		end
	end

	return rights;
end
