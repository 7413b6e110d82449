-- Work that costs Prosody's thread milliseconds at a time, and that anybody may ask for: it takes half of the thread's
-- time at most, as measured, and in the other half XMPP is served. Nobody is refused, all wait. Parties have their
-- turns one after the other, so that nobody waits for all that another one has asked.

local monotonic = require "util.time".monotonic;
local timer = require "util.timer";

local longest_step = 0.001; -- seconds: what costs next to nothing does not wait for a timer each time

-- Without a size, which util.queue has.
local function fifo()
	return { first = 1, last = 0 };
end

local function push(items, item)
	items.last = items.last + 1;
	items[items.last] = item;
end

local function is_empty(items)
	return items.first > items.last;
end

local function pop(items)
	local item = items[items.first];
	items[items.first] = nil;
	items.first = items.first + 1;
	return item;
end

return function ()
	local parties = fifo(); -- that wait, in turn
	local waiting = {}; -- party -> what it waits for, a fifo
	local free_at = 0; -- when work may begin again
	local is_awaited = false; -- the timer runs

	-- The oldest of the party whose turn it is; nil: nobody waits.
	local function take()
		if is_empty(parties) then return; end
		local party = pop(parties);
		local work = pop(waiting[party]);
		if is_empty(waiting[party]) then
			waiting[party] = nil;
		else
			push(parties, party);
		end
		return work;
	end

	local function go_on()
		local begin = monotonic();
		local now = begin;
		repeat
			local work = take();
			if not work then break; end
			work();
			now = monotonic();
		until now - begin >= longest_step;
		local pause = now - begin;
		free_at = now + pause;
		if not is_empty(parties) then return pause; end -- the timer runs again
		is_awaited = false;
	end

	-- work: a function that raises nothing. It is called now, or later.
	return function (party, work)
		if not waiting[party] then
			waiting[party] = fifo();
			push(parties, party);
		end
		push(waiting[party], work);
		if is_awaited then return; end
		is_awaited = true;
		timer.add_task(math.max(0, free_at - monotonic()), go_on);
	end
end
