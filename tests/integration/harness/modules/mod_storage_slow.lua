-- A storage driver: Prosody's default one on a slow disk. The log tells of every read and write which one it is since
-- Prosody's loop was last given back, and of a write also which one of all. The first `storage_slow_failures` writes
-- fail; so do those between the events "disk-is-broken" and "disk-is-repaired".
local storagemanager = require "core.storagemanager";
local now = require "util.time".now;
local timer = require "util.timer";

local written, done_in_step = 0, 0;
local failures = module:get_option_number("storage_slow_failures", 0);
module:hook_global("disk-is-broken", function () failures = math.huge; end);
module:hook_global("disk-is-repaired", function () failures = 0; end);
local store_mt = {};
store_mt.__index = store_mt;

-- Takes longer than Prosody may wait.
local function take_time()
	if done_in_step == 0 then
		-- Overdue, so that it comes before whatever is done next, however late that is.
		timer.add_task(-1, function () done_in_step = 0; end);
	end
	done_in_step = done_in_step + 1;
	local done = now() + 0.003;
	repeat until now() > done
end

function store_mt:get(key)
	take_time();
	module:log("debug", "read, number %d of its step", done_in_step);
	return self.disk:get(key);
end

function store_mt:set(key, data)
	if failures > 0 then
		failures = failures - 1;
		return nil, "no space left";
	end
	take_time();
	written = written + 1;
	module:log("debug", "write %d, number %d of its step", written, done_in_step);
	return self.disk:set(key, data);
end

function store_mt:users()
	return self.disk:users();
end

local disk = storagemanager.load_driver(module.host, "internal");
local driver = {};

function driver:open(store, typ) -- luacheck: ignore 212/self
	return setmetatable({ disk = disk:open(store, typ) }, store_mt);
end

module:provides("storage", driver);
