-- Failed logins: first they take longer, then they are refused for a while. They count against the address and the
-- account. Where the account has logged in from this address before, the two together count by themselves, so that the
-- wrong passwords of others do not shut a device out.

local cache = require "util.cache";
local monotonic = require "util.time".monotonic; -- the clock may be set back

local period = 300; -- seconds in which mqtt_max_failed_logins are forgotten
local week = 7*24*60*60;
local free_failures = 3;
local longest_delay = 5; -- seconds; shorter than mqtt_connect_timeout
local addresses_per_account = 20; -- from which it has logged in

-- known: a cache, account -> address -> when the account logged in from there; a reload hands it on
return function (settings, known)
	local failed_logins = {};
	local max_failures;

	function failed_logins.read_settings()
		max_failures = settings.limit("mqtt_max_failed_logins", 10, 1, 1000000);
	end

	failed_logins.read_settings();

	-- Name -> how often it has failed, and when this was reckoned. Apart, so that names made up do not push the addresses
	-- out, nor the reverse.
	local of_addresses, of_accounts, of_known = cache.new(10000), cache.new(10000), cache.new(10000);

	-- key: { failures = one of these, kind = for the log, name = }
	local function failures_of(key)
		local found = key.failures:get(key.name) or { count = 0, time = monotonic() };
		key.failures:set(key.name, found); -- the one that was used last is forgotten last
		return found;
	end

	local function forget_with_time(failed)
		local time = monotonic();
		failed.count = math.max(0, failed.count - (time - failed.time) * max_failures / period);
		failed.time = time;
	end

	-- An attempt counts as failed until it has succeeded, or a thousand at once would all be the first. Returns how long
	-- it waits; nil: it is refused.
	local function begin_attempt(key)
		local failed = failures_of(key);
		forget_with_time(failed);
		if failed.count > max_failures - 1 then return; end
		local before = math.floor(failed.count);
		failed.count = failed.count + 1;
		if before < free_failures then return 0; end
		return math.min(longest_delay, 2^(before - free_failures) / 2);
	end

	local function forgive_attempt(key)
		local failed = failures_of(key);
		failed.count = math.max(0, failed.count - 1);
	end

	local function is_known(account, address)
		local addresses = account and known:get(account);
		local since = addresses and addresses:get(address);
		return since and monotonic() - since < week;
	end

	-- What an attempt counts against, a list of keys. A certificate cannot be guessed: its keys are none. account: nil
	-- where there can be no such account
	function failed_logins.keys(request, account)
		if is_known(account, request.party) then
			return { { failures = of_known, kind = "account", name = account.." from "..request.party } };
		end
		local keys = {};
		-- Behind a proxy everybody comes from loopback.
		if not request.is_loopback then
			keys[1] = { failures = of_addresses, kind = "address", name = request.party };
		end
		if account then keys[#keys+1] = { failures = of_accounts, kind = "account", name = account }; end
		return keys;
	end

	-- Whose an attempt is among those who wait: who is known does not wait for the others who come from the same address.
	function failed_logins.party(request, account)
		return is_known(account, request.party) and account.." from "..request.party or request.party;
	end

	-- How long the attempt waits; or nil and the key for which it is refused, and costs nothing.
	function failed_logins.begin(keys)
		local delay = 0;
		for i, key in ipairs(keys) do
			local wait = begin_attempt(key);
			if not wait then
				for j = 1, i - 1 do forgive_attempt(keys[j]); end
				return nil, key;
			end
			delay = math.max(delay, wait);
		end
		return delay;
	end

	function failed_logins.forgive(keys)
		for _, key in ipairs(keys) do forgive_attempt(key); end
	end

	function failed_logins.remember(account, address)
		local addresses = known:get(account) or cache.new(addresses_per_account);
		addresses:set(address, monotonic());
		known:set(account, addresses);
	end

	-- Who knew the old password of the account does not know the new one.
	function failed_logins.forget(account)
		if account then known:set(account, nil); end
	end

	return failed_logins;
end
