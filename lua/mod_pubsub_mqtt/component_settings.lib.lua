-- Settings that may stand below a pubsub component, too, whose own come before the global ones.

-- settings, node_defaults: what these libraries return; services: see mod_pubsub_mqtt.lua
return function (settings, node_defaults, services)
	local component_settings = {};
	local by_host = {};

	function component_settings.read(host, service)
		local of_host = settings.of(host);
		by_host[host] = {
			anonymous_affiliation = of_host.choice("mqtt_anonymous_affiliation", "publisher",
				{ "publisher", "member" }, "member");
			users_create_nodes = of_host.boolean("mqtt_users_create_nodes", false);
			node_defaults = node_defaults.read(of_host.table("mqtt_node_defaults"), service, of_host.log);
		};
	end

	function component_settings.of(host)
		-- After a reload of the global module alone nobody has read them yet.
		if not by_host[host] then component_settings.read(host, services[host]); end
		return by_host[host];
	end

	return component_settings;
end
