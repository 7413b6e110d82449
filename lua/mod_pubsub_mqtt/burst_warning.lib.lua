-- Log lines that clients can cause as often as they like: the first of a burst is written, the others at debug level,
-- and when the burst is over one line says how many they were.

local timer = require "util.timer"; -- monotonic with Prosody's epoll backend: a clock set back delays nothing

local interval = 60; -- seconds

local bursts = {}; -- total -> how many lines in this interval

-- `total` ends the line with the number, and tells the bursts apart: there must be few.
return function (level, total, text)
	bursts[total] = (bursts[total] or 0) + 1;
	if bursts[total] > 1 then
		module:log("debug", "%s", text);
		return;
	end
	module:log(level, "%s", text);
	timer.add_task(interval, function ()
		if bursts[total] > 1 then module:log(level, "%d %s", bursts[total], total); end
		bursts[total] = nil;
	end);
end
