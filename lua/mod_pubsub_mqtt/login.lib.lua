-- Logins by password or certificate. One does not hold up the others: a provider of accounts may wait in its runner.

-- shared: see mod_pubsub_mqtt.lua; credentials and attempts: what these libraries return
return function (shared, credentials, attempts)
	local login = {};

	local function answer(request, reason, account)
		local core = shared.core; -- which `shared` may lose on the way
		if core then core:logged_in(request.connection, reason, account); end
	end

	function login.log_in(request)
		local username, host = credentials.to_account(request.user_name or "");
		local account = username and username.."@"..host or credentials.certificate_accounts(request)[1];
		local attempt = attempts.begin(request, account, credentials.names_an_account(request));
		if not attempt then
			request.password = nil;
			return answer(request, "too_often");
		end

		local function finish(reason, result)
			reason, result = attempts.finish(attempt, reason, result);
			request.password = nil;
			attempts.answer(attempt, reason, function () answer(request, reason, result); end);
		end

		attempts.run(attempt, function () finish(credentials.check(request)); end, finish);
	end

	return login;
end
