-- Key-value and map stores, which are the same ones: a user's table, a key of it each an item of the store. What has no
-- key of its own is in a table at the empty key: what is not a string is none, nor is an empty one.

local it = require "util.iterators";

local function has_own_key(key)
	return type(key) == "string" and key ~= "";
end

-- Returns what makes the methods of a store.
return function (iterate_users, report, values)
	-- handle: of the library
	return function (handle)
		local keyval, map = {}, { remove = {} };

		-- Returns nil, or nil and why, where there is nothing.
		local function read_key(user, key)
			local text, err = handle:get(user, key);
			if not text then return nil, err and report(err); end
			return values.decode(text);
		end

		-- Of what has no key of its own. Nil and why where it cannot be read.
		local function read_others(user)
			local others, err = read_key(user, "");
			if not others and err then return nil, err; end
			return others or {};
		end

		function keyval:get(user) -- luacheck: ignore 212/self
			local data, err = handle:load(user, values.decode);
			if not data then return nil, err and report(err); end
			return data;
		end

		function keyval:set(user, data) -- luacheck: ignore 212/self
			local texts, others = {}, {};
			for key, value in pairs(data or {}) do
				if has_own_key(key) then
					local text, err = values.encode(value);
					if not text then return nil, report(err); end
					texts[key] = text;
				else
					others[key] = value;
				end
			end
			if next(others) ~= nil then
				local text, err = values.encode(others);
				if not text then return nil, report(err); end
				texts[""] = text;
			end
			local ok, err = handle:set_all(user, texts);
			if not ok then return nil, report(err); end
			return true;
		end

		function keyval:users() -- luacheck: ignore 212/self
			return iterate_users(handle);
		end

		function map:get(user, key) -- luacheck: ignore 212/self
			if has_own_key(key) then return read_key(user, key); end
			local others, err = read_others(user);
			if not others then return nil, err; end
			return others[key];
		end

		-- Returns key -> text, false for what is to be removed: none is written where one cannot be.
		local function encode_keys(user, data)
			local texts, others, err = {}, nil, nil;
			for key, value in pairs(data) do
				if value == map.remove then value = nil; end
				if not has_own_key(key) then
					if not others then others, err = read_others(user); end
					if not others then return nil, err; end
					others[key] = value;
				elseif value == nil then
					texts[key] = false;
				else
					texts[key], err = values.encode(value);
					if not texts[key] then return nil, report(err); end
				end
			end
			if others and next(others) == nil then
				texts[""] = false;
			elseif others then
				texts[""], err = values.encode(others);
				if not texts[""] then return nil, report(err); end
			end
			return texts;
		end

		function map:set_keys(user, data) -- luacheck: ignore 212/self
			local texts, err = encode_keys(user, data);
			if not texts then return nil, err; end
			for key, text in pairs(texts) do
				local ok, why;
				if text then ok, why = handle:put(user, key, text); else ok, why = handle:remove(user, key); end
				if not ok then return nil, report(why); end
			end
			return true;
		end

		function map:set(user, key, value) -- luacheck: ignore 212/self
			if value == nil then value = map.remove; end
			return map:set_keys(user, { [key] = value });
		end

		function map:get_all(key) -- luacheck: ignore 212/self
			if not has_own_key(key) then return nil, "get_all only supports non-empty string keys"; end
			local found, err = handle:find_in_all(key);
			if not found then return nil, report(err); end
			local all;
			for user, text in pairs(found) do
				local value, why = values.decode(text);
				if value == nil then return nil, report(why); end
				all = all or {};
				all[user] = value;
			end
			return all;
		end

		function map:delete_all(key) -- luacheck: ignore 212/self
			if not has_own_key(key) then return nil, "delete_all only supports non-empty string keys"; end
			local found, err = handle:find_in_all(key);
			if not found then return nil, report(err); end
			for user in it.sorted_pairs(found) do
				local ok, why = handle:remove(user, key);
				if not ok then return nil, report(why); end
			end
			return true;
		end

		return keyval, map;
	end
end
