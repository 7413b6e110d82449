-- The administrator's commands (administration.lib.lua) in Prosody's shell: mqtt:list() and so on. A table is as wide
-- as what stands in it, and nothing is cut off.

local human_table = require "util.human.io".table;
local promise = require "util.promise";

local section_description = "View and close MQTT clients, and sessions, retained messages, rights, the store";
local any_width = 1000000;

--- Answers

local function width_of(answer, column)
	local width = 0;
	for _, row in ipairs(answer.rows) do
		local text = tostring(row[column.name]);
		width = math.max(width, utf8.len(text) or #text);
	end
	return width;
end

local function print_table(print, answer)
	if not answer.columns or #answer.rows == 0 then return; end
	local columns = {};
	for i, column in ipairs(answer.columns) do
		columns[i] = { title = column.label, key = column.name, width = width_of(answer, column) };
	end
	local line = human_table(columns, any_width);
	local function print_line(row) print((line(row):match("^.*%S"))); end
	print_line();
	for _, row in ipairs(answer.rows) do print_line(row); end
end

-- Prosody 0.12 passes what is nil on; 13 checks nothing.
local function missing(command, arguments)
	for i, argument in ipairs(command.arguments) do
		if not argument.is_optional and (arguments[i] == nil or arguments[i] == "") then return argument; end
	end
end

local function handler_of(command)
	return function (self, ...)
		local arguments = { ... };
		local left_out = missing(command, arguments);
		if left_out then return promise.reject(("Give the %s: %s"):format(left_out.name, left_out.label)); end
		for i, argument in ipairs(command.arguments) do
			if argument.name ~= "client" then arguments[i] = arguments[i] ~= nil and tostring(arguments[i]) or nil; end
		end
		return command.run(table.unpack(arguments, 1, #command.arguments)):next(function (answer)
			print_table(self.session.print, answer);
			return answer.text;
		end);
	end
end

--- Prosody 0.12 lists only the sections of its own

local function print_help(print, commands)
	for _, command in ipairs(commands) do
		local names = {};
		for _, argument in ipairs(command.arguments) do table.insert(names, argument.name); end
		print(("mqtt:%s(%s) - %s"):format(command.name, table.concat(names, ", "), command.description));
	end
end

-- Returns a function that undoes it.
local function add_help(commands)
	local shell = module:shared("/*/admin_shell/commands");
	local original, wrapper;
	local function wrap()
		if not shell.help or shell.help == wrapper then return; end
		original = shell.help;
		function wrapper(session, data)
			local section = data:match("^help (%w+)");
			if section == "mqtt" then return print_help(session.print, commands); end
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

local function add_for_0_12(commands)
	local section = {};
	for _, command in ipairs(commands) do section[command.name] = handler_of(command); end
	module:shared("/*/admin_shell/env").mqtt = section;
	return add_help(commands);
end

-- commands: what administration.lib.lua returns. Returns a function that undoes what Prosody does not when it unloads
-- the module.
return function (commands)
	if not module.get_option_period then return add_for_0_12(commands); end
	for _, command in ipairs(commands) do
		local args = {};
		for _, argument in ipairs(command.arguments) do
			table.insert(args, { name = argument.name, type = "string" });
		end
		module:add_item("shell-command", {
			section = "mqtt";
			section_desc = section_description;
			name = command.name;
			desc = command.description;
			args = args;
			handler = handler_of(command);
		});
	end
	return function () end;
end
