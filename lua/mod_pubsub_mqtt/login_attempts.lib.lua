-- What all logins have in common, by password, certificate or SCRAM: an attempt counts as failed until it has
-- succeeded, an account that changes meanwhile is taken out of it, and the time of a refusal does not tell which
-- accounts exist.

local async = require "util.async";
local monotonic = require "util.time".monotonic;
local timer = require "util.timer"; -- monotonic with Prosody's epoll backend

-- A login is refused at a multiple of this after it was asked for: only the passwords of accounts that exist are
-- hashed, and the time would tell which these are.
local refusal_interval = 0.1; -- seconds

-- shared: see mod_pubsub_mqtt.lua; failed_logins and warn: what these libraries return
return function (shared, failed_logins, warn)
	local attempts = {};

	-- request -> the account that it asks for, until it is decided. An account that changes meanwhile is taken out of it
	-- (outdate), and what the provider said of it before is worth nothing.
	local under_way = shared.logging_in;

	function attempts.outdate(account)
		for request, of in pairs(under_way) do
			if of == account then under_way[request] = ""; end
		end
	end

	-- The account's password is another one now.
	function attempts.forget(account)
		failed_logins.forget(account);
	end

	-- For the log: `request` fails, `why` is one of a few.
	function attempts.report(request, account, why)
		warn("info", "MQTT logins failed: "..why,
			("%s: login%s failed: %s"):format(request.client, account and " as "..account or "", why));
	end

	-- account: nil where there can be none; by_certificate: the attempt is no guess. Returns nil where there were too
	-- many failures.
	function attempts.begin(request, account, by_certificate)
		local keys = by_certificate and {} or failed_logins.keys(request, account);
		local delay, refused = failed_logins.begin(keys);
		if not delay then
			warn("warn", "MQTT logins failed: too many failures of one "..refused.kind,
				("Too many failed logins of %s %s: refused for a while, see mqtt_max_failed_logins")
					:format(refused.kind, refused.name));
			return nil;
		end
		under_way[request] = account or "";
		return {
			request = request, account = account, keys = keys, delay = delay, party = failed_logins.party(request, account);
		};
	end

	local function enabled_again(account)
		shared.disabled[account] = nil;
		local core = shared.core; -- which `shared` may lose on the way
		if core then core:account_changed(account); end
	end

	-- result: the account ("": without login), or why not. Returns both as they are to be answered.
	function attempts.finish(attempt, reason, result)
		local request, account = attempt.request, attempt.account;
		local asked_for = under_way[request];
		under_way[request] = nil;
		if reason == "accepted" and result ~= "" and asked_for ~= account and asked_for ~= result then
			reason, result = "unavailable", "the account changed while it logged in";
		end
		if reason ~= "bad_credentials" then failed_logins.forgive(attempt.keys); end
		if reason ~= "accepted" then
			attempts.report(request, account, result);
		elseif result ~= "" then
			failed_logins.remember(result, request.party);
			-- The provider has just been asked: it is not disabled any more.
			if shared.disabled[result] then enabled_again(result); end
		end
		return reason, result;
	end

	-- The client has left. The attempt counts as failed: it has cost as much as one that did.
	function attempts.leave(attempt)
		under_way[attempt.request] = nil;
	end

	-- Runs `check` where a provider may wait, after the attempt's delay. on_error is called where that raises.
	-- in_turn: what slow_work.lib.lua returns; nil: at once.
	function attempts.run(attempt, check, on_error, in_turn)
		local runner = async.runner(function ()
			attempt.asked_at = monotonic();
			check();
		end, {
			error = function (_, err)
				-- Without the traceback, which is long and says nothing to an administrator.
				warn("error", "MQTT logins failed: an error in the authentication provider",
					"The authentication provider failed: "..tostring(err):match("^[^\n]*"));
				on_error("unavailable", "the authentication provider failed");
			end;
		});
		local function start()
			if in_turn then
				in_turn(attempt.party, function () runner:run(true); end);
			else
				runner:run(true);
			end
		end
		local delay = attempt.delay;
		attempt.delay = 0;
		if delay > 0 then
			timer.add_task(delay, start);
		else
			start();
		end
	end

	-- Answers when the time of the answer tells nothing.
	function attempts.answer(attempt, reason, answer)
		if reason ~= "bad_credentials" then return answer(); end
		local elapsed = monotonic() - attempt.asked_at;
		timer.add_task(refusal_interval - elapsed % refusal_interval, answer);
	end

	return attempts;
end
