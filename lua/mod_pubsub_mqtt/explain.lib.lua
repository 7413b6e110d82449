-- What an account may do with a topic, and which rule says so. The verdicts are those of rights.lib.lua and
-- new_nodes.lib.lua, which clients get, too; here is only what they are due to (docs/mapping.md, "Rights").

local promise = require "util.promise";
local usermanager = require "core.usermanager";

local columns = {
	{ name = "what", label = "What" };
	{ name = "answer", label = "Answer" };
	{ name = "rule", label = "Rule" };
	{ name = "why", label = "Why" };
};

-- shared: see mod_pubsub_mqtt.lua; host_status: function, host -> "enabled", "configured" or nil; the others: what
-- these libraries return
return function (shared, settings, credentials, component_settings, new_nodes, rights, host_status)
	local services = shared.services;

	--- Who the client is

	-- Returns the account, or nil where there can be none, and whether it may log in, the rule, and why.
	local function log_in(name)
		if name == "" then
			local allowed = settings.boolean("mqtt_allow_anonymous", nil, false);
			if allowed == nil then
				return "", "from loopback", "anonymous clients", "mqtt_allow_anonymous is not set: others must log in";
			end
			return "", allowed and "yes" or "no", "anonymous clients", ("mqtt_allow_anonymous = %s"):format(allowed);
		end
		local username, host = credentials.to_account(name);
		if not username then
			return nil, "no", "authentication", ("%s is no account of this server: give it as NAME@HOST, where HOST is one of "
				.."its VirtualHosts"):format(name);
		end
		local account = username.."@"..host;
		if not usermanager.user_exists(username, host) then
			return account, "no", "authentication", ("there is no account %s"):format(account);
		elseif shared.disabled[account] or not credentials.is_enabled(username, host) then
			return account, "no", "authentication", ("the account %s is disabled"):format(account);
		end
		return account, "yes", "authentication", ("the account %s exists"):format(account);
	end

	--- What it is at the node

	-- Returns an affiliation, the rule that it has from, and why.
	local function affiliation(host, node, account)
		local service = services[host];
		local node_obj = service.nodes[node];
		local own = node_obj and node_obj.affiliations[account];
		if own then return own, "affiliation", "the node has this affiliation for it"; end
		if not node_obj then
			local will_be = new_nodes.affiliation_of(host, node, account, "publish");
			local pattern = new_nodes.defaults_of(host, node);
			return will_be, pattern and "pattern" or "node creation", "what it will be when the node is created";
		end
		local of_component = service.affiliations[account] or service.config.get_affiliation(account, node, "publish");
		if of_component then
			return of_component, "administrator", ("it is an administrator of %s"):format(host);
		end
		local access_model = node_obj.config.access_model;
		return service:get_default_affiliation(node, account) or "none", "access model",
			("it has no affiliation, and access_model = %s"):format(access_model);
	end

	--- The verdicts. Each returns the answer, the rule, and why.

	local function subscribe_to_node(host, node, account, affiliated)
		local access_model = services[host].nodes[node].config.access_model;
		if rights.may_receive(host, node, account) then
			if account == "" then return "yes", "access model", "access_model = open"; end
			return "yes", affiliated.rule, ("its affiliation is %s"):format(affiliated.name);
		elseif account == "" then
			return "no", "access model", ("access_model = %s: clients without login read open nodes"):format(access_model);
		end
		return "no", affiliated.rule, ("its affiliation is %s: make it a member, or set access_model = open")
			:format(affiliated.name);
	end

	local function subscribe(host, node, account, affiliated)
		if services[host].nodes[node] then return subscribe_to_node(host, node, account, affiliated); end
		if new_nodes.may_create_by_subscribing(host, node, account) then
			return "yes", "node creation", "the subscription creates the node";
		end
		local refusal, _, rule = new_nodes.refuse(host, node, account);
		return "waits", rule or "node creation",
			(refusal or "it does not create the node").."; rights are judged when there is one";
	end

	local function publish_to_node(host, node, account, affiliated)
		local service = services[host];
		local publish_model = service.nodes[node].config.publish_model;
		if account == "" then
			return "yes", "anonymous clients", ("access_model = open, and mqtt_anonymous_affiliation = %s")
				:format(component_settings.of(host).anonymous_affiliation);
		elseif service:may(node, account, "publish") then
			return "yes", affiliated.rule, ("its affiliation is %s"):format(affiliated.name);
		end
		return "yes", "publish model", ("publish_model = %s"):format(publish_model);
	end

	local function publish(host, node, account, affiliated)
		local refusal, _, rule = rights.refuse_publish(host, node, account);
		if refusal then return "no", rule, refusal; end
		if services[host].nodes[node] then return publish_to_node(host, node, account, affiliated); end
		local pattern = new_nodes.defaults_of(host, node);
		return "yes", pattern and "pattern" or "node creation", "the first publish creates the node";
	end

	--- The whole

	local function describe_node(host, node)
		local service = services[host];
		local node_obj = service.nodes[node];
		local pattern, options = new_nodes.defaults_of(host, node);
		local config = node_obj and node_obj.config or setmetatable({}, { __index = function (_, name)
			return options[name] or service.node_defaults[name];
		end });
		return node_obj and "exists" or "does not exist",
			node_obj and "configuration" or pattern and "pattern" or "node creation",
			("access_model = %s, publish_model = %s%s"):format(config.access_model, config.publish_model,
				not node_obj and pattern and (", by the pattern \"%s\""):format(pattern) or "");
	end

	local function explain(core, name, topic, add)
		local account, may_log_in, login_rule, login_why = log_in(name);
		add("log in", may_log_in, login_rule, login_why);
		local view = core:topic(topic, account or "", "");
		add("topic", view.topic, view.is_mounted and "mount point" or "topic",
			view.fault or view.is_mounted and "its first level is no pubsub host, so mqtt_mountpoint stands before it"
			or "HOST/TYPE/NODE");
		local status = not view.fault and host_status(view.host);
		local obstacle = view.fault or status ~= "enabled" and (status
			and "pubsub_mqtt is not loaded on "..view.host or "there is no pubsub component "..view.host);
		local obstacle_rule = view.fault and "topic" or "component";
		if not obstacle then
			add("node", describe_node(view.host, view.node));
			if account and account ~= "" then
				add("affiliation", affiliation(view.host, view.node, account));
			end
		end
		if may_log_in == "no" then obstacle, obstacle_rule = login_why, login_rule; end
		if obstacle then
			add("subscribe", "no", obstacle_rule, obstacle);
			add("publish", "no", obstacle_rule, obstacle);
			return;
		end
		local affiliated = {};
		if account ~= "" then affiliated.name, affiliated.rule = affiliation(view.host, view.node, account); end
		add("subscribe", subscribe(view.host, view.node, account, affiliated));
		add("publish", publish(view.host, view.node, account, affiliated));
	end

	-- name: an account, or its name where its host is certain; "" or nil: a client without login
	return function (name, topic)
		local core = shared.core; -- which `shared` may lose on the way
		if not core then return promise.reject("MQTT is not running"); end
		local rows = {};
		explain(core, name or "", topic, function (what, answer, rule, why)
			table.insert(rows, { what = what, answer = answer, rule = rule, why = why });
		end);
		local subscribes, publishes = rows[#rows-1], rows[#rows];
		return promise.resolve({ columns = columns, rows = rows;
			text = ("Subscribe: %s (%s). Publish: %s (%s)"):format(subscribes.answer, subscribes.rule,
				publishes.answer, publishes.rule) });
	end
end
