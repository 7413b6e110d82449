-- mqtt_node_defaults for nodes that exist, as the administrator wants it in the shell. In slices of Prosody's thread:
-- each node is written to pubsub's store, and XMPP has its turn in between.

-- shared: see mod_pubsub_mqtt.lua; the others: what these libraries return
return function (shared, component_settings, node_defaults, in_slices)
	-- Whether something changes. Returns false and an error of util.pubsub where it cannot.
	local function configure(service, node, options)
		local old_config = service.nodes[node].config;
		local config, is_other = {}, false;
		for option, value in pairs(old_config) do config[option] = value; end
		for option, value in pairs(options) do
			is_other = is_other or old_config[option] ~= value;
			config[option] = value;
		end
		if not is_other then return true, false; end
		local ok, err = service:set_node_config(node, true, config);
		return ok, ok or err;
	end

	local function affiliate(service, node, affiliations)
		local present, is_other = service.nodes[node].affiliations, false;
		for account, affiliation in pairs(affiliations) do
			if present[account] ~= affiliation then
				is_other = true;
				local _, err = service:set_affiliation(node, true, account, affiliation);
				-- It may have changed whatever this returned.
				if present[account] ~= affiliation then return false, err; end
			end
		end
		return true, is_other;
	end

	-- Returns "changed" or "unchanged", or "failed" and why.
	local function apply(host, node)
		local service = shared.services[host];
		local defaults = node_defaults.of(component_settings.of(host).node_defaults, node);
		if defaults.mistake then return "failed", defaults.mistake; end
		local ok, is_configured = configure(service, node, defaults.options);
		if not ok then return "failed", is_configured; end
		local is_affiliated;
		ok, is_affiliated = affiliate(service, node, defaults.affiliations);
		if not ok then return "failed", is_affiliated; end
		return (is_configured or is_affiliated) and "changed" or "unchanged";
	end

	-- Two lists: the hosts of all nodes, and their names. One list of tables would cost 100,000 nodes a second.
	local function all_nodes()
		local hosts, names = {}, {};
		for host, service in pairs(shared.services) do
			for name in pairs(service.nodes) do
				table.insert(hosts, host);
				table.insert(names, name);
			end
		end
		return hosts, names;
	end

	-- Applies them to all nodes that the pattern matches. Returns a promise of how many were changed and so on, which is
	-- { changed =, unchanged =, failed = }, or nil and what is wrong with the pattern. report: function, called with a
	-- host, a node and why it failed
	return function (pattern, report)
		local matches, mistake = node_defaults.matcher(pattern);
		if not matches then return nil, mistake; end
		local hosts, names = all_nodes();
		local next_one = 1;
		local numbers = { changed = 0, unchanged = 0, failed = 0 };

		local function apply_to(host, node)
			local service = shared.services[host];
			if not matches(node) or not service or not service.nodes[node] then return; end
			local ok, result, err = pcall(apply, host, node);
			if not ok then result, err = "failed", result; end
			numbers[result] = numbers[result] + 1;
			if result == "failed" then report(host, node, tostring(err)); end
		end

		return in_slices(function ()
			if next_one > #names then return numbers; end
			apply_to(hosts[next_one], names[next_one]);
			next_one = next_one + 1;
		end);
	end
end
