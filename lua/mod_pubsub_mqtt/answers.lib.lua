-- What clients ask for below $pubsub/ (docs/mapping.md, "History and lists over MQTT"), as the core hands it on. Each
-- request is a coroutine, which pauses when it has had its slice of Prosody's thread: the core goes on with it when it
-- is its client's turn again.

local encodings = require "util.encodings";
local json = require "util.json";
local monotonic = require "util.time".monotonic;

local slice = 0.0002; -- seconds
local least_bytes = 256; -- of an answer
local most_bytes_of_request = 16*1024; -- is read in a few milliseconds, whatever stands in it
-- That are under way, each with as much as has been found so far.
local most = 64;
local most_of_account, most_without_login = 8, 32;

local inquiry_mt = { __index = {} };
local inquiry = inquiry_mt.__index;

local slice_end; -- of the one that runs

-- Has its turn end where that has been long enough. Returns whether others had theirs meanwhile.
function inquiry:pause() -- luacheck: ignore 212/self
	if monotonic() < slice_end then return false; end
	coroutine.yield();
	return true;
end

-- Ends it: the client is told an XMPP condition (RFC 6120, 8.3.3) and a sentence.
function inquiry:refuse(condition, text) -- luacheck: ignore 212/self
	error({ condition = condition, text = text }, 0);
end

-- An argument that is text; nil where it was not given.
function inquiry:text(name)
	local value = self.arguments[name];
	if value == json.null then return; end
	if value ~= nil and type(value) ~= "string" then self:refuse("bad-request", ("%q is to be text"):format(name)); end
	return value;
end

-- How many rows a page has.
function inquiry:limit()
	local value = self.arguments.limit;
	if value == nil or value == json.null then return 100; end
	local number = type(value) == "number" and math.tointeger(value);
	if not number or number < 1 then self:refuse("bad-request", "\"limit\" is to be a number from 1 to 1000"); end
	return math.min(number, 1000);
end

-- A page of an answer, which is a list of that name.
function inquiry:page(name)
	local most_bytes, left = self.most_bytes - #name - 32, self:limit();
	local rows, bytes, last_key, key_bytes = {}, 0, nil, 0;
	local page = {};

	-- Returns false where the row has no place: then what is behind the one before is for the next page. One that no page
	-- has place for is left out, or what `shorten` makes of it comes in its place.
	function page.add(row, key, shorten)
		if left == 0 then return false; end
		local text, key_text = json.encode(row), json.encode(key);
		if #text + 1 + #key_text > most_bytes then return not shorten or page.add(shorten(row), key); end
		local most_key_bytes = math.max(key_bytes, #key_text);
		if bytes + #text + 1 + most_key_bytes > most_bytes then return false; end
		table.insert(rows, text);
		left, bytes, last_key, key_bytes = left - 1, bytes + #text + 1, key_text, most_key_bytes;
		return true;
	end

	function page.finish(has_more)
		return ("{\"%s\":[%s]%s}"):format(name, table.concat(rows, ","),
			has_more and (",\"next\":%s"):format(last_key) or "");
	end

	return page;
end

local function read_arguments(asked, payload)
	if payload == "" then return {}; end
	if #payload > most_bytes_of_request then asked:refuse("bad-request", "a request has 16384 bytes at most"); end
	local ok, arguments;
	if encodings.utf8.valid(payload) and payload:find("^%s*{") then ok, arguments = pcall(json.decode, payload); end
	if not ok or type(arguments) ~= "table" then asked:refuse("bad-request", "a request is a JSON object, or empty"); end
	return arguments;
end

local function error_answer(condition, text)
	return json.encode({ error = condition, text = text });
end

-- by_topic: list of { pattern of the topic, function }, of which the function is given an inquiry and what the pattern
-- captures, and returns the answer
return function (by_topic)
	local threads = {}; -- session -> { thread =, account = }
	local under_way, of_account = 0, {};

	local function begin(session, account)
		local most_of_these = account == "" and most_without_login or most_of_account;
		if under_way >= most or (of_account[account] or 0) >= most_of_these then return; end
		under_way, of_account[account] = under_way + 1, (of_account[account] or 0) + 1;
		threads[session] = { account = account };
		return threads[session];
	end

	local function finish(session)
		local ended = threads[session];
		if not ended then return; end
		threads[session] = nil;
		local left = of_account[ended.account] - 1;
		under_way, of_account[ended.account] = under_way - 1, left > 0 and left or nil;
	end

	local function find(topic)
		for _, each in ipairs(by_topic) do
			local captures = table.pack(topic:match(each[1]));
			if captures[1] then return each[2], captures; end
		end
	end

	local function run(topic, account, payload, most_bytes)
		local asked = setmetatable({ account = account, most_bytes = most_bytes }, inquiry_mt);
		if most_bytes < least_bytes then
			asked:refuse("resource-constraint", "your Maximum Packet Size is too small for answers");
		end
		local answer, captures = find(topic);
		if not answer then asked:refuse("feature-not-implemented", "there is no such request"); end
		asked.arguments = read_arguments(asked, payload);
		return answer(asked, table.unpack(captures, 1, captures.n));
	end

	local function result_of(ok, result)
		if ok then return result; end
		if type(result) == "table" and result.condition then return error_answer(result.condition, result.text); end
		module:log("error", "A request below $pubsub/ has failed: %s", result);
		return error_answer("internal-server-error", "an error in Prosody, see the log");
	end

	local answers = {};

	-- Returns JSON, or nothing where there is more to do: then it is called again with the same. account: bare JID, ""
	-- without login
	function answers.answer(session, topic, account, payload, most_bytes)
		local running = threads[session] or begin(session, account);
		if not running then
			return error_answer("resource-constraint", "too many requests are under way, ask again when they are answered");
		end
		running.thread = running.thread or coroutine.create(run);
		slice_end = monotonic() + slice;
		local ok, result = coroutine.resume(running.thread, topic, account, payload, most_bytes);
		if coroutine.status(running.thread) ~= "dead" then return; end
		finish(session);
		return result_of(ok, result);
	end

	-- The client has gone.
	answers.forget = finish;

	return answers;
end
