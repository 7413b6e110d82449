-- Archive stores: lists of items, as mod_pubsub and mod_mam keep theirs.

local st = require "util.stanza";
local new_id = require "util.id".medium;
local now = require "util.time".now;

local page = 50; -- items that are read at once
local whole_page = 256; -- where no more are asked for: the most that pubsub keeps of a node, if nobody says otherwise
local caps = { total = true, truncate = true, full_id_range = true, ids = true, wildcard_delete = true };

local function nothing() end

-- archive_methods: the library's. Returns what makes the methods of a store.
return function (iterate_users, report, values, archive_methods)
	local function whole(number)
		return number < math.maxinteger and math.floor(number) or math.maxinteger;
	end

	-- Of how many items; Prosody's SQL takes a negative one for none.
	local function limit_of(query)
		local limit = query.limit or math.maxinteger;
		return limit < 0 and math.maxinteger or whole(limit);
	end

	-- What the library understands of Prosody's query; ids become positions.
	local function understood(handle, user, query)
		local ours = {
			key = query.key, ids = query.ids, with = query.with, reverse = query.reverse;
			start = query.start, ["end"] = query["end"];
		};
		for _, limit in ipairs { "before", "after" } do
			if query[limit] then
				local position, err = handle:position(user, query[limit]);
				if not position then return nil, err and report(err) or "item-not-found"; end
				ours[limit] = position;
			end
		end
		return ours;
	end

	-- Items as the library has them, read a page at a time. Publishers go past Prosody's thread meanwhile, so that what
	-- is between two pages may change: those of a node are read at once.
	local function iterate(handle, user, query, limit)
		local is_list = query.key or query.ids; -- which has one page
		local size = (is_list or limit <= whole_page) and limit or page;
		local items, err = handle:find(user, query, size);
		if not items then return nil, report(err); end
		local i, left = 0, limit;
		return function ()
			if left == 0 then return; end
			i = i + 1;
			if i > #items and #items == size and not is_list then
				query[query.reverse and "before" or "after"] = items[#items].position;
				items, err = handle:find(user, query, math.min(left, size));
				if not items then error(report(err)); end
				i = 1;
			end
			left = left - 1;
			return items[i];
		end
	end

	-- What all stores have; a node's own is its name, and a handle of the library once it is used: of 100,000 nodes most
	-- are not.
	local archive = { caps = caps };

	-- The gateway's direct way goes by it (mod_pubsub_mqtt's observers.lib.lua).
	function archive:get_handle()
		if not self.handle then self.handle = self.new_handle(self.name); end
		return self.handle;
	end

	function archive:append(user, key, value, when, with)
		local text, err = values.encode(value);
		if not text then return nil, report(err); end
		key = key or new_id();
		local ok, why = self:get_handle():append(user, key, when or now(), with, text);
		if not ok then return nil, report(why); end
		return key;
	end

	local function find(handle, user, query)
		local limit = limit_of(query);
		local ours, err = understood(handle, user, query);
		if not ours then return nil, err; end
		if query.ids and #query.ids == 0 or limit == 0 then return nothing; end
		return iterate(handle, user, ours, limit);
	end

	function archive:find(user, query)
		query = query or {};
		local total, err;
		if query.total then
			total, err = self:get_handle():count(user, {
				key = query.key, ids = query.ids, with = query.with, start = query.start, ["end"] = query["end"];
			});
			if not total then return nil, report(err); end
		end
		local items, why = find(self:get_handle(), user, query);
		if not items then return nil, why; end
		return function ()
			for item in items do
				local value, problem = values.decode(item.value);
				if value ~= nil then return item.key, value, item.at, item.with; end
				report(("Item %q is damaged, and left out: %s"):format(item.key, problem));
			end
		end, total;
	end

	function archive:get(user, key)
		local text, at, with = self:get_handle():get(user, key);
		if not text then return nil, at and report(at) or "item-not-found"; end
		local value, err = values.decode(text);
		if value == nil then return nil, report(err); end
		return value, at, with;
	end

	-- nil: as it is
	function archive:set(user, key, value, when, with)
		local text, err;
		if value ~= nil then
			text, err = values.encode(value);
			if not text then return nil, report(err); end
		end
		local ok, why = self:get_handle():replace(user, key, when, with, text);
		if not ok then return nil, why and report(why) or "item-not-found"; end
		return true;
	end

	function archive:summary(user, query)
		local items, err = self:find(user, query);
		if not items then return nil, err; end
		local counts, earliest, latest, body = {}, {}, {}, {};
		for _, value, when, with in items do
			with = with or "";
			counts[with] = (counts[with] or 0) + 1;
			earliest[with] = earliest[with] or when;
			latest[with] = when;
			body[with] = st.is_stanza(value) and value:get_child_text("body") or body[with];
		end
		return { counts = counts, earliest = earliest, latest = latest, body = body };
	end

	-- All that the query finds, but for as many as it spares. Returns how many were removed.
	local function delete_found(handle, user, query)
		local found = {};
		for name, value in pairs(query) do found[name] = value; end
		found.truncate, found.limit, found.reverse = nil, nil, not query.reverse;
		local items, err = find(handle, user, found);
		if not items then return nil, err; end
		local spared, removed = query.truncate and whole(query.truncate) or 0, 0;
		for item in items do
			if spared > 0 then
				spared = spared - 1;
			else
				local ok, why = handle:remove(user, item.key);
				if not ok then return nil, report(why); end
				removed = removed + 1;
			end
		end
		return removed;
	end

	local function is_truncation(query)
		return query.truncate and next(query, next(query)) == nil;
	end

	local function delete(handle, user, query)
		local done, err;
		if is_truncation(query) then
			done, err = handle:truncate(user, whole(query.truncate));
		elseif next(query) == nil then
			done, err = handle:drop(user);
			if done == false then done = true; end
		else
			return delete_found(handle, user, query);
		end
		if not done then return nil, report(err); end
		return done;
	end

	local function delete_of_all(handle, query)
		local removed = 0;
		for user in iterate_users(handle, true) do
			local done, err = delete(handle, user, query);
			if not done then return nil, err; end
			removed = removed + (done == true and 1 or done);
		end
		return removed;
	end

	-- user: true means all of them
	function archive:delete(user, query)
		local handle = self:get_handle();
		if user == true then return delete_of_all(handle, query or {}); end
		return delete(handle, user, query or {});
	end

	function archive:users()
		return iterate_users(self:get_handle());
	end

	-- What pubsub does for each item goes past Lua, and to those above where it is anything else.
	archive.append, archive.delete = archive_methods(st.stanza_mt, archive.append, archive.delete, function (err)
		return nil, report(err);
	end);

	-- new_handle: of a driver; function that returns the library's handle of the store of that name. Returns what makes
	-- the stores of the driver.
	return function (new_handle)
		local of_driver = { new_handle = new_handle };
		for name, value in pairs(archive) do of_driver[name] = value; end
		local of_store = { __index = of_driver };
		return function (name)
			return setmetatable({ name = name }, of_store);
		end
	end
end
