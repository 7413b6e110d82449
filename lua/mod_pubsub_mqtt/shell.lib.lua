-- prosodyctl shell: mqtt:list(), mqtt:close(NUMBER) and mqtt:apply_defaults("PATTERN").

local section_description = "View and close MQTT clients";
local descriptions = {
	list = "List MQTT sessions";
	close = "Close the connection of an MQTT session";
	apply_defaults = "Apply mqtt_node_defaults to the nodes that exist and match a pattern";
};
local args = {
	list = {};
	close = { { name = "number", type = "integer" } };
	apply_defaults = { { name = "pattern", type = "string" } };
};

--- Numbers that can be typed

-- Numbers the sessions that have none yet, in the order in which they came, and forgets those that are gone: a number
-- means one session only. numbers: `of`, session -> its number, and `last`, the one that was given last
local function number_sessions(numbers, clients)
	table.sort(clients, function (a, b) return a.session < b.session; end);
	local before = numbers.of;
	numbers.of = {};
	for _, client in ipairs(clients) do
		if not before[client.session] then numbers.last = numbers.last + 1; end
		client.number = before[client.session] or numbers.last;
		numbers.of[client.session] = client.number;
	end
	table.sort(clients, function (a, b) return a.number < b.number; end);
	return clients;
end

--- Prosody 0.12 lists only the sections of its own

local function print_help(print)
	print [[mqtt:list() - List MQTT sessions: number, client identifier, account, subscriptions]]
	print [[mqtt:close(number) - Close the connection of the MQTT session with this number in mqtt:list()]]
	print [[mqtt:apply_defaults("zigbee2mqtt/#") - Apply mqtt_node_defaults to the nodes that exist and match a pattern]]
end

-- Returns a function that undoes it.
local function add_help()
	local shell = module:shared("/*/admin_shell/commands");
	local original, wrapper;
	local function wrap()
		if not shell.help or shell.help == wrapper then return; end
		original = shell.help;
		function wrapper(session, data)
			local section = data:match("^help (%w+)");
			if section == "mqtt" then return print_help(session.print); end
			original(session, data);
			-- As wide as the shell's own table is.
			if not section then session.print(("%-8s | %s"):format("mqtt", section_description)); end
		end
		shell.help = wrapper;
	end
	wrap();
	local function on_module(event) if event.module == "admin_shell" then wrap(); end end
	module:hook("module-loaded", on_module);
	module:hook("module-reloaded", on_module);
	return function ()
		if wrapper and shell.help == wrapper then shell.help = original; end
	end
end

-- shared: with `core`, the gateway, while there is one, and `session_numbers`; apply_defaults: what that library
-- returns. Returns a function that undoes what Prosody does not when it unloads the module.
return function (shared, apply_defaults)
	local commands = {};

	local function list_clients()
		return number_sessions(shared.session_numbers, shared.core:clients());
	end

	function commands.list(self)
		if not shared.core then return nil, "MQTT is not running"; end
		local clients = list_clients();
		local connected = 0;
		for _, client in ipairs(clients) do
			if client.connected then connected = connected + 1; end
			self.session.print(("%d  %s  %s, %d subscriptions"):format(client.number, client.name,
				client.connected and "connected" or "away", client.subscriptions));
		end
		return true, ("%d MQTT sessions, %d of them connected"):format(#clients, connected);
	end

	function commands.close(_, number)
		number = math.tointeger(tonumber(number));
		if not shared.core or not number then return nil, "Give the number that mqtt:list() shows"; end
		for _, client in ipairs(list_clients()) do
			if client.number == number and client.connected then
				shared.core:close_connection(client.session);
				return true, "Closed";
			end
		end
		return nil, "No such client is connected";
	end

	function commands.apply_defaults(self, pattern)
		local print = self.session.print;
		local applied, mistake = apply_defaults(pattern, function (host, node, err)
			print(("%s %s: %s"):format(host, node, err));
		end);
		if not applied then return nil, ("The pattern %s: %s"):format(pattern, mistake); end
		return applied:next(function (numbers)
			return ("%d nodes: %d changed, %d unchanged, %d failed"):format(
				numbers.changed + numbers.unchanged + numbers.failed, numbers.changed, numbers.unchanged, numbers.failed);
		end);
	end

	if not module.get_option_period then -- Prosody 0.12
		module:shared("/*/admin_shell/env").mqtt = commands;
		return add_help();
	end
	for name, handler in pairs(commands) do
		module:add_item("shell-command", {
			section = "mqtt";
			section_desc = section_description;
			name = name;
			desc = descriptions[name];
			args = args[name];
			handler = handler;
		});
	end
	return function () end;
end
