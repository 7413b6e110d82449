-- Settings that are not what they should be are reported, and do not stop the module from loading.

local paths = require "util.paths";

-- Prosody 13 understands "2 days", Prosody 0.12 takes seconds.
local get_option_period = module.get_option_period or module.get_option_number;

-- Read for each component, whose own comes before the global one.
local of_a_component = { mqtt_anonymous_affiliation = true, mqtt_node_defaults = true, mqtt_users_create_nodes = true };

-- What portmanager and certmanager read for the services mqtt and mqtt_tls.
local of_ports = {
	mqtt_ports = true, mqtt_interfaces = true, mqtt_interface = true;
	mqtt_tls_ports = true, mqtt_tls_interfaces = true, mqtt_tls_interface = true, mqtt_tls_certificate = true;
};

local is_read = {}; -- name -> true, of those that were asked for here

-- Host and name -> true, of what was reported since the configuration was read: some settings are asked for often.
local reported = {};
module:hook("config-reloaded", function () reported = {}; end, 2000); -- before anybody reads them again

-- context: the module, as it is on a host or everywhere
local function reader(context)
	local settings = {};

	local function report(name, complaint, ...)
		local key = context.host.." "..name;
		if reported[key] then return; end
		reported[key] = true;
		context:log("error", "%s = %s "..complaint, name, context:get_option(name), ...);
	end

	-- Uses the default for what is no number, too: Prosody has returned nil then.
	local function checked(name, value, default, min, max)
		if value and value >= min and value <= max then return value; end
		report(name, "is not between %d and %d: using the default, %d", min, max, default);
		return default;
	end

	function settings.limit(name, default, min, max)
		is_read[name] = true;
		return checked(name, context:get_option_number(name, default), default, min, max);
	end

	local function time(limit)
		is_read[limit.name] = true;
		local value = get_option_period(context, limit.name, limit.default);
		if limit.may_be_never and value == math.huge then return limit.most; end
		return checked(limit.name, value, limit.default, limit.least, limit.most);
	end

	-- list: of the library, where each limit is declared. Returns setting -> number.
	function settings.limits(list)
		local limits = {};
		for _, limit in ipairs(list) do
			limits[limit.name] = limit.is_time and time(limit)
				or settings.limit(limit.name, limit.default, limit.least, limit.most);
		end
		return limits;
	end

	function settings.string(name)
		is_read[name] = true;
		return context:get_option_string(name);
	end

	-- Relative to the directory of Prosody's data.
	function settings.path(name, default)
		is_read[name] = true;
		local path = context:get_option_path(name, default, "data");
		if path then return path; end
		report(name, "is no path: using the default, %s", default);
		return paths.resolve_relative_path(prosody.paths.data, default);
	end

	-- `strictest`, or where there is none the default, is used instead of what is neither true nor false: Prosody has
	-- returned nil then.
	function settings.boolean(name, default, strictest)
		is_read[name] = true;
		local value = context:get_option_boolean(name, default);
		if value ~= nil or context:get_option(name) == nil then return value; end
		if strictest == nil then strictest = default; end
		report(name, "is neither true nor false: using %s", strictest);
		return strictest;
	end

	function settings.log(level, text)
		context:log(level, "%s", text);
	end

	-- One value is a list of one.
	function settings.array(name)
		is_read[name] = true;
		return context:get_option_array(name, {});
	end

	function settings.table(name)
		is_read[name] = true;
		local value = context:get_option(name);
		if type(value) == "table" then return value; end
		if value ~= nil then report(name, "is no table: using none"); end
		return {};
	end

	-- `strictest` is used instead of what is none of the choices.
	function settings.choice(name, default, choices, strictest)
		is_read[name] = true;
		local value = context:get_option_string(name, default);
		for _, choice in ipairs(choices) do
			if value == choice then return value; end
		end
		report(name, "is none of \"%s\": using \"%s\"", table.concat(choices, "\", \""), strictest);
		return strictest;
	end

	return settings;
end

local settings = reader(module);

function settings.of(host)
	return reader(module:context(host));
end

-- Where a setting is read: "component", "host" or "global"; nil: nowhere. Asked when all of them have been read.
function settings.place(name)
	if of_a_component[name] then return "component"; end
	if name == "mqtt_tls_ssl" then return "host"; end -- a host's own certificate, for SNI
	if of_ports[name] or is_read[name] then return "global"; end
end

return settings;
