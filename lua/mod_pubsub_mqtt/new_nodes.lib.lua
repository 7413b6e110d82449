-- Nodes that are not there yet: who may create them, what he may do there then, and creating them as
-- mqtt_node_defaults says (docs/mapping.md, "Patterns").

local cannot_be = "topic name invalid"; -- MQTT 5.0's reason: there is no such node, and the client may not create it

-- shared: see mod_pubsub_mqtt.lua; the others: what these libraries return
return function (shared, component_settings, node_defaults, current_item)
	local services, disabled = shared.services, shared.disabled;
	local new_nodes = {};

	local function defaults_of(host, node)
		return node_defaults.of(component_settings.of(host).node_defaults, node);
	end

	function new_nodes.are_open(host, node)
		local access_model = defaults_of(host, node).options.access_model or services[host].node_defaults.access_model;
		return access_model == "open";
	end

	local function is_administrator(host, node, account)
		return account ~= "" and services[host]:may(node, account, "create");
	end

	-- Whether the account may create the node and owns it then: not those whom the service itself has cast out.
	local function may_own(host, node, account)
		if account == "" or disabled[account] or services[host].affiliations[account] == "outcast" then return false; end
		local creators = defaults_of(host, node).creators;
		if creators then return creators[account] == true; end
		return component_settings.of(host).users_create_nodes;
	end

	-- What the account will be at the node. Who is named has what the pattern says, whoever came first.
	local function affiliation_of(host, node, account, action)
		local service = services[host];
		return defaults_of(host, node).affiliations[account] or may_own(host, node, account) and "owner"
			or service.affiliations[account] or service.config.get_affiliation(account, node, action)
			or new_nodes.are_open(host, node) and "member" or "outcast";
	end

	local function will_have_right(host, node, account, action)
		if account == "" then return new_nodes.are_open(host, node); end
		local capabilities = services[host].config.capabilities[affiliation_of(host, node, account, action)];
		return not disabled[account] and capabilities ~= nil and capabilities[action] == true;
	end

	-- Why mqtt_node_defaults lets this client create no node of that name, and MQTT 5.0's reason; nil if they do.
	function new_nodes.refuse(host, node, account)
		local defaults = defaults_of(host, node);
		if defaults.mistake then return defaults.mistake, cannot_be; end
		if defaults.creators and not defaults.creators[account] and not is_administrator(host, node, account) then
			return ("there is no such node, and only the creators of \"%s\" in mqtt_node_defaults create it")
				:format(defaults.pattern), cannot_be;
		end
	end

	-- Why an account may not create the node by publishing to it, and MQTT 5.0's reason; nil if it may.
	function new_nodes.refuse_publish(host, node, account)
		local refusal, reason = new_nodes.refuse(host, node, account);
		if refusal then return refusal, reason; end
		local service = services[host];
		local publishes = will_have_right(host, node, account, "publish");
		if may_own(host, node, account) then
			if publishes or defaults_of(host, node).options.publish_model == "open" then return; end
			return ("%s will be no publisher of the node: see its affiliation in mqtt_node_defaults"):format(account), cannot_be;
		elseif not service.config.autocreate_on_publish then
			return ("there is no such node: create it, set mqtt_users_create_nodes = true, "
				.."or autocreate_on_publish = true for %s"):format(host), cannot_be;
		elseif not publishes then
			return "only administrators may create a node: create it, or set mqtt_users_create_nodes = true", cannot_be;
		end
	end

	function new_nodes.may_create_by_subscribing(host, node, account)
		return (may_own(host, node, account) or services[host].config.autocreate_on_subscribe)
			and not new_nodes.refuse(host, node, account)
			and will_have_right(host, node, account, "subscribe") and will_have_right(host, node, account, "be_subscribed");
	end

	-- Returns true, or false and an error of util.pubsub; then there is no node.
	function new_nodes.create(host, node, account)
		local service, defaults = services[host], defaults_of(host, node);
		local config, affiliations = {}, {};
		for option, value in pairs(defaults.options) do config[option] = value; end
		current_item.give_identity(config); -- which a retained message would have stored later, at the cost of a write
		if may_own(host, node, account) then affiliations[account] = "owner"; end
		for named, affiliation in pairs(defaults.affiliations) do affiliations[named] = affiliation; end

		local ok, err = service:create(node, true, config);
		for named, affiliation in pairs(affiliations) do
			if not ok then break; end
			ok, err = service:set_affiliation(node, true, named, affiliation);
			if not ok then service:delete(node, true); end
		end
		if err == "not-acceptable" and next(defaults.options) ~= nil then
			err = "pubsub does not accept mqtt_node_defaults, see its access_model and max_items";
		end
		return ok, err;
	end

	-- Whether a pattern is for the node, and knows the account: names it, or cannot forbid it anything.
	function new_nodes.have_pattern(host, node, account)
		local defaults = defaults_of(host, node);
		return defaults.pattern ~= nil, defaults.affiliations[account] ~= nil
			or defaults.creators ~= nil and defaults.creators[account] == true or is_administrator(host, node, account);
	end

	return new_nodes;
end
