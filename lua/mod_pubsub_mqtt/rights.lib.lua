-- Pubsub, as the core asks for it: what a client may do, and doing it as that client (docs/mapping.md, "Rights").
-- A client is a bare JID, or "" without login: that one acts on open nodes only.

local jid = require "util.jid";
local st = require "util.stanza";

local retained_id = "current"; -- XEP-0060, Singleton Node

-- Errors of util.pubsub after which the same publish may succeed.
local passing_errors = { ["internal-server-error"] = true, ["resource-constraint"] = true };

-- What MQTT 5.0 calls errors of util.pubsub (2.4); "implementation specific error" is for all others.
local reasons = {
	["forbidden"] = "not authorized", ["item-not-found"] = "topic name invalid";
	["invalid-item"] = "payload format invalid", ["resource-constraint"] = "quota exceeded";
};

local sends_last_item = { on_sub = true, on_sub_and_presence = true };

-- shared: see mod_pubsub_mqtt.lua; observers: what observers.lib.lua returns
return function (settings, shared, observers)
	local services, disabled, watched = shared.services, shared.disabled, shared.watched;
	local notice_slow_storage = module:require "slow_storage"(services);
	local rights = {};
	local settings_by_host = {};

	-- Those that may stand below a Component, too.
	function rights.read_settings(host)
		local of_host = settings.of(host);
		settings_by_host[host] = {
			anonymous_affiliation = of_host.choice("mqtt_anonymous_affiliation", "publisher",
				{ "publisher", "member" }, "member");
			users_create_nodes = of_host.boolean("mqtt_users_create_nodes", false);
			node_defaults = of_host.table("mqtt_node_defaults");
		};
	end

	-- After a reload of the global module alone nobody has read them yet.
	local function settings_of(host)
		if not settings_by_host[host] then rights.read_settings(host); end
		return settings_by_host[host];
	end

	local function is_open(host, node)
		local service = services[host];
		local node_obj = service.nodes[node];
		local access_model = node_obj and node_obj.config.access_model
			or settings_of(host).node_defaults.access_model or service.node_defaults.access_model;
		return access_model == "open";
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

	-- mqtt_users_create_nodes: not for those whom the service itself has cast out.
	local function may_own_new_nodes(host, account)
		return settings_of(host).users_create_nodes and account ~= "" and not disabled[account]
			and services[host].affiliations[account] ~= "outcast";
	end

	local function create(host, node, account)
		local service, node_defaults = services[host], settings_of(host).node_defaults;
		local config = {};
		for option, value in pairs(node_defaults) do config[option] = value; end
		local ok, err = service:create(node, true, config);
		if err == "not-acceptable" and next(node_defaults) ~= nil then
			err = "pubsub does not accept mqtt_node_defaults, see its access_model and max_items";
		end
		if ok and may_own_new_nodes(host, account) then
			ok, err = service:set_affiliation(node, true, account, "owner");
		end
		return ok, err;
	end

	function rights.subscribe(host, node, account)
		local service = services[host];
		if service.nodes[node] then
			return may_subscribe(host, node, account) and "granted" or "refused";
		end
		local may_create = may_own_new_nodes(host, account)
			or service.config.autocreate_on_subscribe and may_subscribe(host, node, account);
		if may_create and create(host, node, account) then
			return "granted";
		end
		return "waits";
	end

	-- Why a client without login may not publish, in words and by MQTT 5.0's name; nil if it may.
	local function refuse_anonymous(host, node)
		local service = services[host];
		if settings_of(host).anonymous_affiliation ~= "publisher" then
			return "mqtt_anonymous_affiliation lets clients without login read only", "not authorized";
		elseif not service.nodes[node] and not service.config.autocreate_on_publish then
			return ("there is no such node: create it, or set autocreate_on_publish = true for %s"):format(host),
				"topic name invalid";
		elseif not is_open(host, node) then
			return "clients without login publish to nodes whose access_model is \"open\"", "not authorized";
		end
	end

	-- The same for an account: the rule of util.pubsub's publish(), and of autocreation.
	local function refuse_account(host, node, account)
		local service = services[host];
		if disabled[account] then return "the account is disabled", "not authorized"; end
		local node_obj = service.nodes[node];
		if not node_obj then
			if may_own_new_nodes(host, account) then return; end
			if not service.config.autocreate_on_publish then
				return ("there is no such node: create it, set mqtt_users_create_nodes = true, "
					.."or autocreate_on_publish = true for %s"):format(host), "topic name invalid";
			elseif not service:may(node, account, "publish") then
				return "only administrators may create a node: create it, or set mqtt_users_create_nodes = true",
					"topic name invalid";
			end
			return;
		end
		local publish_model = node_obj.config.publish_model;
		if service:may(node, account, "publish") or publish_model == "open"
		or (publish_model == "subscribers" and node_obj.subscribers[account]) then
			return;
		end
		return ("%s is no publisher of the node: give it the affiliation, or change publish_model"):format(account),
			"not authorized";
	end

	local function refuse_publish(host, node, account)
		if account == "" then return refuse_anonymous(host, node); end
		return refuse_account(host, node, account);
	end

	local function publish(host, node, account, id, item)
		local service = services[host];
		if not service.nodes[node] then
			local ok, err = create(host, node, account);
			if not ok then return ok, err; end
		end
		if account == "" then
			return service:publish(node, true, id, item);
		end
		item.attr.publisher = account; -- what storage keeps; pubsub shows it where expose_publisher says so
		return service:publish(node, account, id, item);
	end

	-- Returns "accepted", "refused" or "failed", in the last two cases why, and MQTT 5.0's name of it, and in the first
	-- one whether nobody else has seen the item.
	function rights.publish(host, node, account, item)
		local refusal, reason = refuse_publish(host, node, account);
		if refusal then return "refused", refusal, reason; end
		local ok, done, err = pcall(publish, host, node, account, item.attr.id, item);
		if not ok then
			module:log("error", "Publishing to %s on %s failed, the item may be stored: %s", node, host, done);
			return "failed", "an error in Prosody, see the log";
		elseif done then
			notice_slow_storage(host, node, account);
			return "accepted", nil, nil, observers.has_none(watched[host], node);
		end
		return passing_errors[err] and "failed" or "refused", tostring(err), reasons[err];
	end

	function rights.may_publish(host, node, account)
		if not services[host].nodes[node] then return "accepted"; end
		local refusal, reason = refuse_publish(host, node, account);
		return refusal and "refused" or "accepted", refusal, reason;
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
