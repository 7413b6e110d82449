-- What the store holds (docs/durability.md), as the administrator sees it.

local promise = require "util.promise";

local columns = { { name = "what", label = "What" }, { name = "value", label = "Value" } };

-- shared: with `core`, the gateway, while there is one; in_slices: what that library returns
return function (shared, in_slices)
	-- Promise of how many rows each of these tables has; nil where that cannot be read.
	local function count_rows(tables)
		local counts, next_one, from = {}, 1, nil;
		return in_slices(function ()
			local name, core = tables[next_one], shared.core;
			if not name or not core then return counts; end
			local rows;
			rows, from = core:count_rows(name, from);
			counts[name] = rows and (counts[name] or 0) + rows;
			if not from then next_one = next_one + 1; end
		end);
	end

	local function rows_of(store, counts)
		local rows = {};
		local function add(what, value) table.insert(rows, { what = what, value = value }); end
		local function add_count(what, table)
			add(what, counts[table] and tostring(counts[table]) or "cannot be read");
		end
		add("path", store.path);
		add("size", ("%d bytes"):format(store.bytes));
		add("durability", store.durability);
		if store.keeps_sessions then
			add_count("sessions", "session");
			add_count("messages that wait", "message");
		end
		add_count("retained messages", "retained");
		add_count("items and keys of Prosody's", "item");
		add("last commit", store.committed_at and os.date("%Y-%m-%d %H:%M:%S", store.committed_at) or "none since the start");
		add("state", store.is_failing and "FAILING: nothing can be written, see the log" or "can be written");
		return rows;
	end

	return function ()
		local core = shared.core; -- which `shared` may lose on the way
		local store = core and core:store();
		if not store then
			return promise.reject("Nothing is stored: mqtt_durability is \"memory\", or the store cannot be used, see the log");
		end
		return count_rows({ "session", "message", "retained", "item" }):next(function (counts)
			return { columns = columns, rows = rows_of(store, counts);
				text = store.keeps_sessions and "Sessions are kept" or "Sessions are not kept" };
		end);
	end
end
