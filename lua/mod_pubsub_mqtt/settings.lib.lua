-- Settings that are not what they should be are reported, and do not stop the module from loading.

local settings = {};

-- Uses the default for what is no number, too: Prosody has returned nil then.
local function checked(name, value, default, min, max)
	if value and value >= min and value <= max then return value; end
	module:log("error", "%s = %s is not between %d and %d: using the default, %d",
		name, module:get_option(name), min, max, default);
	return default;
end

function settings.limit(name, default, min, max)
	return checked(name, module:get_option_number(name, default), default, min, max);
end

-- Prosody 13 understands "2 days", Prosody 0.12 takes seconds.
local get_option_period = module.get_option_period or module.get_option_number;

local function time(limit)
	local value = get_option_period(module, limit.name, limit.default);
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

function settings.table(name)
	local value = module:get_option(name);
	if type(value) == "table" then return value; end
	if value ~= nil then
		module:log("error", "%s = %s is no table: using none", name, value);
	end
	return {};
end

-- `strictest` is used instead of what is none of the choices.
function settings.choice(name, default, choices, strictest)
	local value = module:get_option_string(name, default);
	for _, choice in ipairs(choices) do
		if value == choice then return value; end
	end
	module:log("error", "%s = %s is none of \"%s\": using \"%s\"",
		name, module:get_option(name), table.concat(choices, "\", \""), strictest);
	return strictest;
end

return settings;
