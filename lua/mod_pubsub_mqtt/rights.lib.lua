-- Pubsub, as the core asks for it: what a client may do, and doing it as that client (docs/mapping.md, "Rights").
-- A client is a bare JID, or "" without login: that one acts on open nodes only.

local st = require "util.stanza";

local settings = module:require "settings";

local anonymous_affiliation = settings.choice("mqtt_anonymous_affiliation", "publisher",
	{ "publisher", "member" }, "member");
local users_create_nodes = module:get_option_boolean("mqtt_users_create_nodes", false);
local node_defaults = settings.table("mqtt_node_defaults");

local retained_id = "current"; -- XEP-0060, Singleton Node

-- Errors of util.pubsub after which the same publish may succeed.
local passing_errors = { ["internal-server-error"] = true, ["resource-constraint"] = true };

local sends_last_item = { on_sub = true, on_sub_and_presence = true };

-- services: host -> pubsub service; disabled: account -> true; watched: host -> what observers.watch() returned
return function (services, disabled, observers, watched)
	local rights = {};

	local function is_open(service, node)
		local node_obj = service.nodes[node];
		local access_model = node_obj and node_obj.config.access_model
			or node_defaults.access_model or service.node_defaults.access_model;
		return access_model == "open";
	end

	local function may(service, node, account, action)
		if account == "" then return is_open(service, node); end
		return not disabled[account] and service:may(node, account, action);
	end

	local function may_subscribe(service, node, account)
		return may(service, node, account, "subscribe") and may(service, node, account, "be_subscribed");
	end

	function rights.may_receive(host, node, account)
		local service = services[host];
		return service ~= nil and service.nodes[node] ~= nil and may_subscribe(service, node, account);
	end

	function rights.may_read(host, node, account)
		local service = services[host];
		return service ~= nil and service.nodes[node] ~= nil and may(service, node, account, "get_items");
	end

	-- mqtt_users_create_nodes: not for those whom the service itself has cast out.
	local function may_own_new_nodes(service, account)
		return users_create_nodes and account ~= "" and not disabled[account]
			and service.affiliations[account] ~= "outcast";
	end

	local function create(service, node, account)
		local config = {};
		for option, value in pairs(node_defaults) do config[option] = value; end
		local ok, err = service:create(node, true, config);
		if err == "not-acceptable" and next(node_defaults) ~= nil then
			err = "pubsub does not accept mqtt_node_defaults, see its access_model and max_items";
		end
		if ok and may_own_new_nodes(service, account) then
			ok, err = service:set_affiliation(node, true, account, "owner");
		end
		return ok, err;
	end

	function rights.subscribe(host, node, account)
		local service = services[host];
		if service.nodes[node] then
			return may_subscribe(service, node, account) and "granted" or "refused";
		end
		local may_create = may_own_new_nodes(service, account)
			or service.config.autocreate_on_subscribe and may_subscribe(service, node, account);
		if may_create and create(service, node, account) then
			return "granted";
		end
		return "waits";
	end

	-- Why a client without login may not publish; nil if it may.
	local function refuse_anonymous(service, host, node)
		if anonymous_affiliation ~= "publisher" then
			return "mqtt_anonymous_affiliation lets clients without login read only";
		elseif not service.nodes[node] and not service.config.autocreate_on_publish then
			return ("there is no such node: create it, or set autocreate_on_publish = true for %s"):format(host);
		elseif not is_open(service, node) then
			return "clients without login publish to nodes whose access_model is \"open\"";
		end
	end

	-- The same for an account: the rule of util.pubsub's publish(), and of autocreation.
	local function refuse_account(service, host, node, account)
		if disabled[account] then return "the account is disabled"; end
		local node_obj = service.nodes[node];
		if not node_obj then
			if may_own_new_nodes(service, account) then return; end
			if not service.config.autocreate_on_publish then
				return ("there is no such node: create it, set mqtt_users_create_nodes = true, "
					.."or autocreate_on_publish = true for %s"):format(host);
			elseif not service:may(node, account, "publish") then
				return "only administrators may create a node: create it, or set mqtt_users_create_nodes = true";
			end
			return;
		end
		local publish_model = node_obj.config.publish_model;
		if service:may(node, account, "publish") or publish_model == "open"
		or (publish_model == "subscribers" and node_obj.subscribers[account]) then
			return;
		end
		return ("%s is no publisher of the node: give it the affiliation, or change publish_model"):format(account);
	end

	local function refuse_publish(host, node, account)
		local service = services[host];
		if account == "" then return refuse_anonymous(service, host, node); end
		return refuse_account(service, host, node, account);
	end

	local function publish(service, node, account, id, item)
		if not service.nodes[node] then
			local ok, err = create(service, node, account);
			if not ok then return ok, err; end
		end
		if account == "" then
			return service:publish(node, true, id, item);
		end
		item.attr.publisher = account; -- what storage keeps; pubsub shows it where expose_publisher says so
		return service:publish(node, account, id, item);
	end

	function rights.publish(host, node, account, item)
		local refusal = refuse_publish(host, node, account);
		if refusal then return "refused", refusal; end
		local ok, done, err = pcall(publish, services[host], node, account, item.attr.id, item);
		if not ok then
			module:log("error", "Publishing to %s on %s failed, the item may be stored: %s", node, host, done);
			return "failed", "an error in Prosody, see the log";
		elseif done then
			return "accepted", nil, observers.has_none(watched[host], node);
		end
		return passing_errors[err] and "failed" or "refused", tostring(err);
	end

	function rights.may_publish(host, node, account)
		local refusal = services[host].nodes[node] and refuse_publish(host, node, account);
		return refusal and "refused" or "accepted", refusal;
	end

	function rights.retract_current(host, node)
		local service = services[host];
		local items = service.data[node];
		if items and items:get(retained_id) then
			service:retract(node, true, retained_id, st.stanza("retract", { id = retained_id }));
		end
	end

	function rights.last_item(host, node, account)
		local service = services[host];
		local node_obj = service and service.nodes[node];
		if node_obj and sends_last_item[node_obj.config.send_last_published_item]
		and may(service, node, account, "get_items") then
			local ok, id, item = service:get_last_item(node, true);
			return ok and id and item.tags[1] or nil;
		end
	end

	return rights;
end
