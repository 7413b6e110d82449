-- Long work of the administrator's, in slices of Prosody's thread: XMPP has its turn in between.

local monotonic = require "util.time".monotonic;
local promise = require "util.promise";
local timer = require "util.timer";

local slice = 0.02; -- seconds

-- step: function that does a little, called until it returns something, which is what the promise is resolved with
return function (step)
	return promise.new(function (resolve, reject)
		local function work()
			local slice_end = monotonic() + slice;
			repeat
				local result = step();
				if result ~= nil then return resolve(result); end
			until monotonic() >= slice_end;
			timer.add_task(0, function ()
				local ok, err = pcall(work);
				if not ok then reject(err); end
			end);
		end
		work();
	end);
end
