-- mqtt_node_defaults: what a new node gets, and who may create it, by its name (docs/mapping.md, "Patterns"). A mistake
-- is named when the setting is read, and no node is created that the entry with the mistake may have been meant for.

local configmanager = require "core.configmanager";
local it = require "util.iterators";
local jid = require "util.jid";

local node_defaults = {};

-- What read() returns, defaults: `patterns`, a list of entries, and `others`, the entry of all other nodes. An entry:
--   pattern   as it stands in the configuration, nil for `others`
--   matches   function: name of a node -> boolean
--   options   of a node's configuration
--   affiliations  bare JID -> affiliation
--   creators  set of bare JIDs, or nil where none are given
--   mistake   text, where there is one

--- Options of a node

local function text(value) return type(value) == "string", "no string"; end
local function boolean(value) return type(value) == "boolean", "neither true nor false"; end

local function choice(...)
	local choices = { ... };
	local wrong = ("none of \"%s\""):format(table.concat(choices, "\", \""));
	return function (value)
		for _, each in ipairs(choices) do
			if value == each then return true; end
		end
		return false, wrong;
	end
end

local function number_of_items(value)
	local number = math.tointeger(tonumber(value));
	return value == "max" or number ~= nil and number > 0, "neither a positive number nor \"max\"";
end

-- Those of mod_pubsub. Each function: value -> whether it is right, and what it is otherwise.
local options = {
	title = text, description = text, payload_type = text;
	persist_items = boolean, max_items = number_of_items;
	access_model = choice("open", "whitelist");
	publish_model = choice("publishers", "subscribers", "open");
	send_last_published_item = choice("never", "on_sub", "on_sub_and_presence");
	notification_type = choice("normal", "headline");
	notify_items = boolean, include_payload = boolean, notify_delete = boolean, notify_retract = boolean;
	itemreply = choice("owner", "publisher", "none"); -- Prosody 13
};

local names_of_options = table.concat(it.to_array(it.sorted_pairs(options)), ", ");

local function quoted(value)
	return type(value) == "string" and ("\"%s\""):format(value) or tostring(value);
end

local function check_options(given, service, complain)
	for name, value in it.sorted_pairs(given) do
		local is_right, wrong;
		if options[name] then is_right, wrong = options[name](value); end
		if not options[name] then
			complain(("%s is no option of a node, which are %s"):format(name, names_of_options));
		elseif not is_right then
			complain(("%s = %s is %s"):format(name, quoted(value), wrong));
		end
	end
	local accepts = service.config.check_node_config; -- mod_pubsub looks at these two options
	local config = setmetatable({ access_model = "open", max_items = given.max_items },
		{ __index = service.node_defaults });
	if given.max_items and accepts and not accepts("", true, config) then
		complain(("max_items = %s is more than pubsub_max_items of the component"):format(quoted(given.max_items)));
	end
end

--- Patterns

-- Returns a function, name of a node -> whether the pattern matches it; or nil and what is wrong with the pattern.
function node_defaults.matcher(pattern)
	if type(pattern) ~= "string" or pattern == "" then
		return nil, "it is none, which is text, as in { \"zigbee2mqtt/#\", publish_model = \"open\" }";
	end
	local parts, has_rest = {}, false;
	for level in (pattern.."/"):gmatch("([^/]*)/") do
		if has_rest then return nil, "levels follow #, which stands for all that follows"; end
		has_rest = level == "#";
		if level == "+" then
			table.insert(parts, "[^/]*/");
		elseif level:find("[+#]") and not has_rest then
			return nil, "+ and # are levels by themselves";
		elseif not has_rest then
			table.insert(parts, (level:gsub("%W", "%%%0")).."/");
		end
	end
	local host = pattern:match("^[^/]*");
	if configmanager.get(host, "component_module") == "pubsub" then
		return nil, ("it begins with the pubsub component %s: patterns are names of nodes, without HOST/TYPE/"):format(host);
	end
	local wanted = "^"..table.concat(parts)..(has_rest and "" or "$");
	return function (node) return (node.."/"):find(wanted) ~= nil; end
end

-- Whether all that `later` matches is matched by `earlier` already. As a name, a pattern is matched by what covers it;
-- but a + covers no #.
local function covers(earlier, later)
	return earlier.matches(later.pattern) and (earlier.pattern:find("#$") or not later.pattern:find("#$"));
end

--- Accounts

local affiliation_of_name = choice("owner", "publisher", "member", "outcast");

local function check_account(value, complain)
	local account = type(value) == "string" and jid.prep(value);
	local name, _, resource = jid.split(account);
	if name and not resource then return account; end
	complain(("%s is no bare JID, as \"ha@example.org\" is"):format(quoted(value)));
end

local function read_affiliations(given, complain)
	local affiliations = {};
	if type(given) ~= "table" then
		complain("affiliations are { [\"ha@example.org\"] = \"publisher\" }");
		return affiliations;
	end
	for name, affiliation in pairs(given) do
		local account = check_account(name, complain);
		local is_right, wrong = affiliation_of_name(affiliation);
		if not is_right then
			complain(("the affiliation %s of %s is %s"):format(quoted(affiliation), quoted(name), wrong));
		elseif account then
			affiliations[account] = affiliation;
		end
	end
	return affiliations;
end

local function read_creators(given, complain)
	local creators = {};
	if type(given) ~= "table" then
		complain("creators are { \"bridge@example.org\" }");
		return creators;
	end
	for key, name in pairs(given) do
		local account = check_account(math.type(key) and name or key, complain);
		if account then creators[account] = true; end
	end
	return creators;
end

--- The setting

-- Returns what has a name in a table of the configuration.
local function named(given)
	local values = {};
	for name, value in pairs(given) do
		if type(name) == "string" then values[name] = value; end
	end
	return values;
end

local function read_others(setting, service, report)
	local others = { options = named(setting), affiliations = {} };
	local function complain(mistake)
		others.mistake = others.mistake or report(mistake);
	end
	for _, name in ipairs({ "affiliations", "creators" }) do
		if others.options[name] then
			complain(("%s stand in a pattern: { { \"#\", %s = ... } }"):format(name, name));
			others.options[name] = nil;
		end
	end
	check_options(others.options, service, complain);
	return others;
end

local function read_pattern(given, others, service, report)
	local pattern = type(given) == "table" and given[1] or given;
	local entry = { pattern = pattern, options = {}, affiliations = {} };
	local function complain(mistake)
		local complaint = report(("the pattern %s: %s"):format(quoted(pattern), mistake));
		entry.mistake = entry.mistake or complaint;
	end
	local matches, wrong = node_defaults.matcher(pattern);
	if not matches then complain(wrong); end
	entry.matches = matches or function () return true; end
	if type(given) ~= "table" then
		complain("it stands in no braces of its own: { { \"zigbee2mqtt/#\", publish_model = \"open\" } }");
		return entry;
	end
	if #given > 1 then complain("another one stands in its braces"); end
	local own = named(given);
	if own.affiliations ~= nil then entry.affiliations = read_affiliations(own.affiliations, complain); end
	if own.creators ~= nil then entry.creators = read_creators(own.creators, complain); end
	own.affiliations, own.creators = nil, nil;
	check_options(own, service, complain);
	for name, value in pairs(others.options) do entry.options[name] = value; end
	for name, value in pairs(own) do entry.options[name] = value; end
	entry.mistake = entry.mistake or others.mistake; -- of which the entry has what it does not say itself
	return entry;
end

local function warn_of_covered(patterns, entry, log)
	for _, earlier in ipairs(patterns) do
		if not earlier.mistake and not entry.mistake and covers(earlier, entry) then
			log("warn", ("mqtt_node_defaults: the pattern %q never holds, since %q stands before it"):format(
				entry.pattern, earlier.pattern));
			return;
		end
	end
end

-- setting: mqtt_node_defaults, a table; service: of the pubsub component; log: function, level and text
function node_defaults.read(setting, service, log)
	local function report(mistake)
		log("error", ("mqtt_node_defaults: %s; until that is mended MQTT creates no node that it may be meant for")
			:format(mistake));
		return ("a mistake in mqtt_node_defaults, %s"):format(mistake);
	end
	local defaults = { patterns = {}, others = read_others(setting, service, report) };
	for _, given in ipairs(setting) do
		local entry = read_pattern(given, defaults.others, service, report);
		warn_of_covered(defaults.patterns, entry, log);
		table.insert(defaults.patterns, entry);
	end
	return defaults;
end

-- The entry that holds for a node.
function node_defaults.of(defaults, node)
	for _, entry in ipairs(defaults.patterns) do
		if entry.matches(node) then return entry; end
	end
	return defaults.others;
end

return node_defaults;
