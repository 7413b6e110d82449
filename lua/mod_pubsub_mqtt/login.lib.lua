-- Logins. One does not hold up the others: a provider of accounts may wait in its runner.

local async = require "util.async";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer"; -- monotonic with Prosody's epoll backend

-- A login is refused at a multiple of this after it was asked for: only the passwords of accounts that exist are
-- hashed, and the time would tell which these are.
local refusal_interval = 0.1; -- seconds

-- shared: see mod_pubsub_mqtt.lua; credentials, failed_logins and warn: what these libraries return
return function (shared, credentials, failed_logins, warn)
	local login = {};

	-- request -> the account that it asks for, until it is decided. An account that changes meanwhile is taken out of it
	-- (outdate), and what the provider said of it before is worth nothing.
	local under_way = shared.logging_in;

	function login.outdate(account)
		for request, of in pairs(under_way) do
			if of == account then under_way[request] = ""; end
		end
	end

	-- The account's password is another one now.
	function login.forget(account)
		failed_logins.forget(account);
	end

	local function answer(request, reason, account)
		if not shared.core then return; end
		if reason == "accepted" and shared.disabled[account] then -- not any more, the provider has just been asked
			shared.disabled[account] = nil;
			shared.core:account_changed(account);
		end
		shared.core:logged_in(request.connection, reason, account);
	end

	local function refuse_later(request, reason, asked_at)
		local elapsed = monotonic() - asked_at;
		timer.add_task(refusal_interval - elapsed % refusal_interval, function () answer(request, reason); end);
	end

	local function count(request, reason, result, keys)
		if reason ~= "bad_credentials" then failed_logins.forgive(keys); end
		if reason == "accepted" and result ~= "" then failed_logins.remember(result, request.party); end
	end

	-- Returns the keys that the attempt counts against, and how long it waits; nil: it was refused.
	local function begin_attempt(request, account)
		local keys = credentials.names_an_account(request) and {} or failed_logins.keys(request, account);
		local delay, refused = failed_logins.begin(keys);
		if delay then return keys, delay; end
		request.password = nil;
		warn("warn", "MQTT logins failed: too many failures of one "..refused.kind,
			("Too many failed logins of %s %s: refused for a while, see mqtt_max_failed_logins")
				:format(refused.kind, refused.name));
		answer(request, "unavailable");
	end

	function login.log_in(request)
		local username, host = credentials.to_account(request.user_name or "");
		local account = username and username.."@"..host;
		local keys, delay = begin_attempt(request, account);
		if not keys then return; end
		local asked_at;
		under_way[request] = account or credentials.certificate_accounts(request)[1] or "";

		local function finish(reason, result)
			if reason == "accepted" and result ~= "" and under_way[request] ~= account and under_way[request] ~= result then
				reason, result = "unavailable", "the account changed while it logged in";
			end
			under_way[request] = nil;
			request.password = nil;
			count(request, reason, result, keys);
			if reason == "accepted" then return answer(request, reason, result); end
			warn("info", "MQTT logins failed: "..result,
				("%s: login%s failed: %s"):format(request.client, account and " as "..account or "", result));
			if reason == "bad_credentials" then return refuse_later(request, reason, asked_at); end
			answer(request, reason);
		end

		local runner = async.runner(function ()
			asked_at = monotonic();
			finish(credentials.check(request));
		end, {
			error = function (_, err)
				-- Without the traceback, which is long and says nothing to an administrator.
				warn("error", "MQTT logins failed: an error in the authentication provider",
					"The authentication provider failed: "..tostring(err):match("^[^\n]*"));
				finish("unavailable", "the authentication provider failed");
			end;
		});
		if delay > 0 then
			timer.add_task(delay, function () runner:run(true); end);
		else
			runner:run(true);
		end
	end

	return login;
end
