-- Prosody's storage in the store of mod_pubsub_mqtt
--
--   storage = "pubsub_mqtt"
--
-- The work is done in the library of mod_pubsub_mqtt, which stands beside this module; here is what Prosody wants of a
-- driver. The store belongs to the process: handles of stores outlive this module, and an unload closes nothing.

local monotonic = require "util.time".monotonic;
local paths = require "util.paths";

local version = module:require "version"; -- of the library, too
local patience = 10; -- seconds, at the end, for what is not written yet
local said_again_after = 60; -- seconds

local function load_library()
	local path = module:get_directory().."/../mod_pubsub_mqtt/pubsub_mqtt.so";
	local open, err = package.loadlib(path, "luaopen_pubsub_mqtt");
	if not open then
		return nil, ("Cannot load %s: %s. Install mod_pubsub_mqtt beside mod_storage_pubsub_mqtt"):format(path, err);
	end
	local library = open();
	if library.version ~= version then
		return nil, ("%s is version %s, but mod_storage_pubsub_mqtt.lua is %s: restart Prosody after an upgrade")
			:format(path, library.version, version);
	end
	return library;
end

local global = module:context("*");
local is_server = prosody.process_type == "prosody"; -- prosodyctl works beside one
local path = paths.resolve_relative_path(prosody.paths.data or ".",
	global:get_option_string("mqtt_store") or "pubsub_mqtt.sqlite"); -- as settings.lib.lua of mod_pubsub_mqtt has it
local durability = global:get_option_string("mqtt_durability", "disk") == "process" and "process" or "disk";

local function write_log(lines)
	for _, line in ipairs(lines) do module:log(line.level, "%s", line.text); end
end

local library, problem = load_library();
local store, lines;
if library then
	store, lines = library.open_store(path, durability, is_server);
	problem = not store and "What is configured to be stored with pubsub_mqtt cannot be: see above";
end
if not store then
	write_log(lines or {});
	module:log("error", "%s", problem);
	module:set_status("error", problem);
	function module.command() return 1; end
	return; -- Prosody goes on without a driver, which refuses to read and write
end

-- Of an error, on its way to who called. The same one again and again, of each publish to a full disk, is said once a
-- minute.
local last_error, said_at = nil, 0;
local function report(err)
	write_log(store:take_log());
	local now = monotonic();
	local is_new = err ~= last_error or now - said_at >= said_again_after;
	if is_new then last_error, said_at = err, now; end
	module:log(is_new and "error" or "debug", "%s", err);
	return err;
end

-- Prosody has no way to say an error here; who goes on without the users would not know. The host's own is not a user,
-- but where that is asked for.
local function iterate_users(handle, with_host)
	local function read(after)
		local users, err = handle:users(after);
		if not users then error(report(err)); end
		return users;
	end
	local users, i = read(""), 0;
	if with_host then table.insert(users, 1, ""); end
	return function ()
		i = i + 1;
		if i > #users and i > 1 then
			users, i = read(users[#users]), 1;
		end
		return users[i];
	end
end

local values = module:require "values"(library.stanza_text);
local keyval = module:require "keyval"(iterate_users, report, values);
local archive = module:require "archive"(iterate_users, report, values, library.archive_methods);

local kinds = { keyval = "keyval", map = "keyval", archive = "archive" };

local function iterate(list)
	local i = 0;
	return function ()
		i = i + 1;
		return list[i];
	end
end

local function new_driver(host)
	local driver = {};
	local new_archive = archive(function (name) return store:open(host, name, "archive"); end);

	function driver:open(name, typ) -- luacheck: ignore 212/self
		typ = typ or "keyval";
		if not kinds[typ] then return nil, "unsupported-store"; end
		if typ == "archive" then return new_archive(name); end
		local as_keyval, as_map = keyval(store:open(host, name, "keyval"));
		return typ == "map" and as_map or as_keyval;
	end

	-- user: nil is the host, true are all users
	function driver:stores(user, typ) -- luacheck: ignore 212/self
		local kind = kinds[typ or "keyval"] or "keyval";
		local names, err;
		if user == true then
			names, err = store:names(host, kind);
		else
			names, err = store:names(host, kind, user or "");
		end
		if not names then return nil, report(err); end
		return iterate(names);
	end

	-- Of these stores of the host itself, those that have the key; for mod_pubsub_mqtt (current_item.lib.lua).
	function driver:stores_with_key(names, typ, key) -- luacheck: ignore 212/self
		local found, err = store:stores_with_key(host, kinds[typ], names, key);
		if not found then return nil, report(err); end
		return found;
	end

	-- user: nil is the host
	function driver:purge(user) -- luacheck: ignore 212/self
		local ok, err = store:purge(host, user);
		if not ok then return nil, report(err); end
		return true;
	end

	return driver;
end

-- prosodyctl loads its commands everywhere, where there is no storage.
if module.host ~= "*" then module:provides("storage", new_driver(module.host)); end

-- As in mod_pubsub_mqtt.lua: after an upgrade the library stays in the process, and so does its driver.
function module.save()
	local installed = module:require "version";
	if installed ~= version then
		local reason = ("Version %s is installed, and %s goes on storing: restart Prosody"):format(installed, version);
		module:log("error", "%s", reason);
		error(setmetatable({}, { __tostring = function () return reason; end })); -- without a traceback
	end
end

--- prosodyctl mod_storage_pubsub_mqtt ...

function module.command(arguments)
	return module:require "commands"(store, new_driver, arguments);
end

--- The store's thread, in a server

local function start()
	if not store:start() then
		module:log("warn", "The system has no thread left for the store, which waits for the disk from now on: "
			.."raise the limit on processes (ulimit -u)");
	end
end

if is_server then
	if prosody.start_time then
		start();
	else
		-- prosody -D forks in this event, and no thread survives a fork.
		module:hook_global("server-started", start, -10);
	end
	-- After all that others write in it.
	module:hook_global("server-stopped", function ()
		store:stop(patience);
		write_log(store:take_log());
	end, -1000);
	module:add_timer(5, function ()
		write_log(store:take_log());
		return 5;
	end);
end
