-- prosodyctl shell: mqtt:list() and mqtt:close(NUMBER).

-- shared: with `core`, the gateway, while there is one
return function (shared)
	local commands = {};

	function commands.list(self)
		if not shared.core then return nil, "MQTT is not running"; end
		local clients = shared.core:clients();
		table.sort(clients, function (a, b) return a.session < b.session; end);
		local connected = 0;
		for _, client in ipairs(clients) do
			if client.connected then connected = connected + 1; end
			self.session.print(("%d  %s  %s, %d subscriptions"):format(client.session, client.name,
				client.connected and "connected" or "away", client.subscriptions));
		end
		return true, ("%d MQTT sessions, %d of them connected"):format(#clients, connected);
	end

	function commands.close(_, number)
		number = math.tointeger(tonumber(number));
		if not shared.core or not number then return nil, "Give the number that mqtt:list() shows"; end
		for _, client in ipairs(shared.core:clients()) do
			if client.session == number and client.connected then
				shared.core:close_connection(number);
				return true, "Closed";
			end
		end
		return nil, "No such client is connected";
	end

	if not module.get_option_period then -- Prosody 0.12
		module:shared("/*/admin_shell/env").mqtt = commands;
		return;
	end
	local descriptions = { list = "List MQTT sessions", close = "Close the connection of an MQTT session" };
	local args = { list = {}, close = { { name = "number", type = "integer" } } };
	for name, handler in pairs(commands) do
		module:add_item("shell-command", {
			section = "mqtt";
			section_desc = "View and close MQTT clients";
			name = name;
			desc = descriptions[name];
			args = args[name];
			handler = handler;
		});
	end
end
