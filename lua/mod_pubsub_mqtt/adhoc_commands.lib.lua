-- The administrator's commands (administration.lib.lua) for an XMPP client: ad-hoc commands (XEP-0050) of each pubsub
-- component, with a data form (XEP-0004) for what is asked, and one for the answer. As they are about the whole server,
-- they are for administrators of the whole server.

local adhoc = module:require "adhoc";
local async = require "util.async";
local dataforms = require "util.dataforms";
local jid = require "util.jid";
local st = require "util.stanza";
local usermanager = require "core.usermanager";

local xmlns_commands = "http://jabber.org/protocol/commands";
local xmlns_data = "jabber:x:data";

-- Node names in XMPP may be as they like. Characters that XML 1.0 does not have would end the administrator's stream.
local function fit_for_xml(value)
	return (tostring(value):gsub("[%z\1-\8\11\12\14-\31]", "?"):gsub("\239\191[\190\191]", "?"));
end

local function append_field(form, name, value)
	form:tag("field", { var = name }):tag("value"):text(fit_for_xml(value)):up():up();
end

-- A table: util.dataforms has no <reported/>.
local function result_form(command, answer)
	local form = st.stanza("x", { xmlns = xmlns_data, type = "result" })
		:tag("title"):text(command.description):up();
	form:tag("reported");
	for _, column in ipairs(answer.columns) do
		form:tag("field", { var = column.name, label = column.label, type = "text-single" }):up();
	end
	form:up();
	for _, row in ipairs(answer.rows) do
		form:tag("item");
		for _, column in ipairs(answer.columns) do append_field(form, column.name, row[column.name]); end
		form:up();
	end
	return form;
end

local function form_of(command)
	local layout = { title = command.description };
	for _, argument in ipairs(command.arguments) do
		table.insert(layout, { name = argument.name, type = "text-single", label = argument.label;
			required = not argument.is_optional });
	end
	return dataforms.new(layout);
end

local function failed(text)
	return { status = "completed", error = { message = fit_for_xml(text) } };
end

local function run(command, arguments)
	if not async.ready() then return failed("This connection cannot wait for an answer"); end
	local answer, err = async.wait_for(command.run(table.unpack(arguments, 1, #command.arguments)));
	if not answer then return failed(err); end
	return { status = "completed", info = fit_for_xml(answer.text);
		other = answer.columns and result_form(command, answer) or nil };
end

local function handler_of(command)
	local form = form_of(command);
	return function (_, data, state)
		if data.action == "cancel" then return { status = "canceled" }; end
		if #command.arguments == 0 then return run(command, {}); end
		if not state and not data.form then
			return { status = "executing", actions = { "complete", default = "complete" }, form = form }, "executing";
		end
		local fields, errors = form:data(data.form);
		if errors then
			local name, err = next(errors);
			return failed(("%s: %s"):format(name, err));
		end
		local arguments = {};
		for i, argument in ipairs(command.arguments) do arguments[i] = fields[argument.name]; end
		return run(command, arguments);
	end
end

-- As mod_adhoc sees it.
local function is_for(host_module, command, event)
	local from, permission = event.stanza.attr.from, command.permission;
	if permission == "check" then return host_module:may("adhoc:"..command.node, event, true); end -- Prosody 13
	return permission == "any" or permission == "local_user" and jid.host(from) == host_module.host
		or permission == "admin" and usermanager.is_admin(from, host_module.host)
		or permission == "global_admin" and usermanager.is_admin(from);
end

-- Who asks which commands there are is told by mod_pubsub that there is no such node, which may come before what
-- mod_adhoc has to say.
local function answer_before_pubsub(host_module)
	host_module:hook("host-disco-items-node", function (event)
		if event.node ~= xmlns_commands then return; end
		for _, command in ipairs(host_module:get_host_items("adhoc-provider")) do
			if is_for(host_module, command, event) then
				event.reply:tag("item", { jid = host_module.host, node = command.node, name = command.name }):up();
			end
		end
		event.origin.send(event.reply);
		return true;
	end, 1);
end

-- commands: what administration.lib.lua returns. Returns a function that adds them to a host, given its module.
return function (commands)
	return function (host_module)
		if host_module:get_option_inherited_set("modules_disabled", {}):contains("adhoc") then return; end
		host_module:depends("adhoc");
		answer_before_pubsub(host_module);
		for _, command in ipairs(commands) do
			host_module:provides("adhoc", adhoc.new("MQTT: "..command.description, "mqtt:"..command.name,
				handler_of(command), "global_admin"));
		end
	end
end
