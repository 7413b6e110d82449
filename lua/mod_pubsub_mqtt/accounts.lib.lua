-- Accounts that change: clients lose what they had as these, and rights are judged again.

-- Of an event with `username` and `host`; a role may be that of another host's user.
local function account_of(event)
	return event.username and event.host and event.username.."@"..event.host;
end

-- shared: see mod_pubsub_mqtt.lua; attempts: what login_attempts.lib.lua returns
return function (shared, attempts)
	local function close_account(account, was_deleted)
		attempts.outdate(account);
		local core = shared.core; -- which `shared` may lose on the way
		if core then core:close_account(account, was_deleted); end
	end

	local function judge_again(account)
		local core = shared.core;
		if core and account then core:account_changed(account); end
	end

	module:hook("user-password-changed", function (event)
		attempts.forget(account_of(event));
		close_account(account_of(event), false);
	end);
	module:hook("user-deleted", function (event)
		local account = account_of(event);
		attempts.forget(account);
		shared.disabled[account] = true; -- what its clients have asked for already is not done
		close_account(account, true);
	end);
	module:hook("user-disabled", function (event)
		shared.disabled[account_of(event)] = true;
		close_account(account_of(event), false);
	end);
	module:hook("user-enabled", function (event)
		shared.disabled[account_of(event)] = nil;
		judge_again(account_of(event));
	end);
	for _, event_name in ipairs({
		"user-roles-changed"; -- 0.12
		"user-role-changed"; "user-role-added"; "user-role-removed"; -- 13
	}) do
		module:hook(event_name, function (event) judge_again(account_of(event)); end);
	end
	-- The users of such a host cannot be asked for any more.
	module:hook("host-deactivated", function (host)
		local core = shared.core;
		if core then core:close_accounts_of(host); end
	end);
end
