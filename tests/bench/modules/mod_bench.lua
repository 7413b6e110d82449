-- For the bench (docs/performance.md): creates nodes, and calls service:publish in a bare loop, to compare with. It
-- takes one command a line on a port of its own, and answers with a line:
--
--   create HOST PREFIX COUNT              nodes PREFIX1, PREFIX2, ..., that do not persist
--   create HOST PREFIX COUNT MAX_ITEMS    nodes that do
--   store_nodes HOST PREFIX COUNT MAX_ITEMS  writes nodes to where pubsub finds them when it starts
--   store_items HOST PREFIX COUNT ITEMS      so many items of each of these
--   publish HOST NODE SECONDS fresh       a new item for each call; answers with their number and the processor's time
--   publish HOST NODE SECONDS prebuilt    the same item again and again
module:set_global();

local storagemanager = require "core.storagemanager";
local new_id = require "util.id".medium;
local now = require "util.time".now;
local st = require "util.stanza";
local timer = require "util.timer";

local xmlns_pubsub = "http://jabber.org/protocol/pubsub";
local xmlns_data = "https://prosody.im/protocol/mqtt";
-- Seconds, then Prosody's loop has its turn. It waits for a millisecond at least before it runs a timer: longer slices
-- lose less of the time.
local slice = 0.02;
local calls_between_looks_at_the_clock = 10;

-- 64 bytes, as the load generator's payloads.
local payload = "seq="..("A"):rep(60);

local function service_of(host)
	return prosody.hosts[host].modules.pubsub.get_service();
end

-- Seconds that this thread has had the processor: proc(5). Another one writes what is stored.
local function processor_time()
	local file = assert(io.open("/proc/thread-self/schedstat"));
	local nanoseconds = file:read("n");
	file:close();
	return nanoseconds / 1e9;
end

local function new_item()
	local id = new_id();
	return id, st.stanza("item", { xmlns = xmlns_pubsub, id = id })
		:tag("data", { xmlns = xmlns_data }):text(payload):up();
end

local function publish_for(service, node, seconds, is_fresh, done)
	local published, time_in_loop, finish = 0, 0, now() + seconds;
	local id, item = new_item();
	local function run_slice()
		local slice_end, begin = now() + slice, processor_time();
		repeat
			for _ = 1, calls_between_looks_at_the_clock do
				if is_fresh then id, item = new_item(); end
				assert(service:publish(node, true, id, item));
			end
			published = published + calls_between_looks_at_the_clock;
		until now() >= slice_end
		time_in_loop = time_in_loop + processor_time() - begin;
		if now() < finish then
			timer.add_task(0, run_slice);
		else
			done(published, time_in_loop);
		end
	end
	run_slice();
end

local commands = {};

function commands.create(answer, host, prefix, count, max_items)
	local service = service_of(host);
	for number = 1, tonumber(count) do
		local config = max_items and { max_items = tonumber(max_items) } or { persist_items = false };
		assert(service:create(prefix..number, true, config));
	end
	answer("created");
end

-- A hundred at a time: what is posted to be stored has its limits, and Prosody's loop its turn.
local function for_each_number(count, work, done)
	local number = 0;
	local function do_some()
		for _ = 1, 100 do
			number = number + 1;
			if number > tonumber(count) then return done(); end
			work(number);
		end
		timer.add_task(0, do_some);
	end
	do_some();
end

-- As util.pubsub and mod_pubsub write them, at a tenth of the cost.
function commands.store_nodes(answer, host, prefix, count, max_items)
	local nodes = storagemanager.open(host, "pubsub_nodes");
	for_each_number(count, function (number)
		local name = prefix..number;
		assert(nodes:set(name, {
			name = name, config = { max_items = tonumber(max_items) }, subscribers = {}, affiliations = {};
		}));
	end, function () answer("stored"); end);
end

function commands.store_items(answer, host, prefix, count, items)
	local driver = storagemanager.get_driver(host, "pubsub_data");
	local data = st.stanza("data", { xmlns = xmlns_data }):text(payload);
	for_each_number(count, function (number)
		local archive = driver:open("pubsub_"..prefix..number, "archive");
		for _ = 1, tonumber(items) do
			assert(archive:append(nil, new_id(), data, now(), "sensor@localhost"));
		end
	end, function () answer("stored"); end);
end

function commands.publish(answer, host, node, seconds, item)
	publish_for(service_of(host), node, tonumber(seconds), item == "fresh", function (published, time_in_loop)
		answer(("published %d %.6f"):format(published, time_in_loop));
	end);
end

local listener = { default_mode = "*l" };

function listener.onincoming(conn, line)
	local words = {};
	for word in line:gmatch("%S+") do words[#words+1] = word; end
	local function answer(text)
		conn:write(text.."\n");
	end
	local ok, err = pcall(commands[words[1]], answer, table.unpack(words, 2));
	if not ok then answer("error "..tostring(err)); end
end

module:provides("net", {
	name = "bench";
	private = true;
	default_port = 0;
	listener = listener;
});
