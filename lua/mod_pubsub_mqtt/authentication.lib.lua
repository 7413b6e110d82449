-- SCRAM against Prosody's accounts, at CONNECT and again later (MQTT 5.0, section 4.12). One exchange does not hold up
-- the others: a provider of accounts may wait in its runner.

local cache = require "util.cache";
local monotonic = require "util.time".monotonic;

-- Who is logged in, and authenticates again and again, has so long between two of these, from all connections: a stored
-- password costs milliseconds each time.
local pause_between = 0.1; -- seconds

local wrong = "wrong user name or password";
local no_such_method = "a method of authentication that is neither SCRAM-SHA-1 nor SCRAM-SHA-256";

-- shared: see mod_pubsub_mqtt.lua; credentials, attempts, scram and in_turn (slow_work): what these libraries return
return function (shared, credentials, attempts, scram, in_turn)
	local authentication = {};

	-- connection -> { request =, attempt =, sasl =, username =, host = }: the attempt, the account and the handler, where
	-- there is one, from the client's first message on. Plain tables: a reload of the module may come in between.
	local exchanges = shared.exchanges;

	local free_again = cache.new(10000); -- account -> when it may begin to authenticate again

	local function wait_for_turn(account)
		local now = monotonic();
		local turn = math.max(now, free_again:get(account) or now);
		free_again:set(account, turn + pause_between);
		return turn - now;
	end

	local function is_left(exchange)
		return exchanges[exchange.request.connection] ~= exchange;
	end

	local function answer(exchange, reason, data, account)
		if is_left(exchange) then return; end
		local connection = exchange.request.connection;
		if reason ~= "continue" then exchanges[connection] = nil; end
		local core = shared.core; -- which `shared` may lose on the way
		if core then core:authenticated(connection, reason, data, account); end
	end

	local function finish(exchange, reason, result, data)
		if is_left(exchange) then return; end
		reason, result = attempts.finish(exchange.attempt, reason, result);
		attempts.answer(exchange.attempt, reason, function ()
			if reason == "accepted" then
				answer(exchange, reason, data, result);
			else
				answer(exchange, reason);
			end
		end);
	end

	-- A provider that keeps passwords as they are computes a hash of 10,000 iterations for whoever asks, and so do we
	-- where there is no such account.
	local function run(exchange, step, ...)
		local arguments = table.pack(...);
		attempts.run(exchange.attempt, function ()
			if not is_left(exchange) then step(exchange, table.unpack(arguments, 1, arguments.n)); end
		end, function (reason, why) finish(exchange, reason, why); end, in_turn);
	end

	-- Those who may not log in are told at the end, like those who do not know the password.
	local function challenge(exchange, data, name, nonce)
		local request, username, host = exchange.request, exchange.username, exchange.host;
		local account = username.."@"..host;
		if request.account and request.account ~= account then
			return finish(exchange, "not_authorized", "it authenticates again as another account");
		elseif not credentials.certificate_permits(request, account) then
			return finish(exchange, "not_authorized", "the account is none of those in the client's certificate");
		end
		local sasl = credentials.sasl_handler(request, host, request.method);
		if not sasl then return finish(exchange, "bad_method", "accounts of its host have no "..request.method); end
		scram.name_account(sasl, name, username);
		local status, message = sasl:process(data);
		if status == "challenge" and sasl.username == username then
			exchange.sasl = sasl;
			answer(exchange, "continue", message);
		elseif message == "not-authorized" or message == "account-disabled" then
			answer(exchange, "continue", scram.made_up_challenge(sasl, request.method, username, host, nonce));
		elseif message == "temporary-auth-failure" then
			finish(exchange, "unavailable", "the authentication provider is not available");
		else
			finish(exchange, "bad_credentials", "the authentication provider does not take the name");
		end
	end

	local function check(exchange, data)
		local sasl, username, host = exchange.sasl, exchange.username, exchange.host;
		if not scram.is_client_final(data, exchange.request.method) then
			return finish(exchange, "bad_credentials", "the authentication data are no final message of SCRAM (RFC 5802)");
		elseif not sasl then
			return finish(exchange, "bad_credentials", wrong);
		end
		local status, message = sasl:process(data);
		if status == "success" and sasl.username == username and credentials.is_enabled(username, host) then
			finish(exchange, "accepted", username.."@"..host, message);
		elseif message == "temporary-auth-failure" then
			finish(exchange, "unavailable", "the authentication provider is not available");
		else
			finish(exchange, "bad_credentials", wrong);
		end
	end

	local function receive_first(exchange, data)
		local request = exchange.request;
		local name, nonce = scram.client_first(data);
		local problem = not name and nonce;
		local username, host;
		if name then
			username, host = credentials.named_in_exchange(request, name);
			problem = not username and host;
		end
		exchange.attempt = attempts.begin(request, username and username.."@"..host, false);
		if not exchange.attempt then return answer(exchange, "too_often"); end
		if request.account then
			exchange.attempt.delay = math.max(exchange.attempt.delay, wait_for_turn(request.account));
		end
		if problem then return run(exchange, finish, "bad_credentials", problem); end
		exchange.username, exchange.host = username, host;
		run(exchange, challenge, data, name, nonce);
	end

	-- request: see the core's AuthRequest
	function authentication.begin(request)
		local data = request.data;
		request.data = nil;
		local exchange = { request = request };
		exchanges[request.connection] = exchange;
		if not scram.is_method(request.method) then
			attempts.report(request, request.account, no_such_method);
			answer(exchange, "bad_method");
		elseif not data or data == "" then
			answer(exchange, "continue");
		else
			receive_first(exchange, data);
		end
	end

	function authentication.go_on(connection, data)
		local exchange = exchanges[connection];
		if not exchange then return shared.core:authenticated(connection, "unavailable"); end
		if exchange.attempt then
			run(exchange, check, data);
		else
			receive_first(exchange, data);
		end
	end

	-- The client has gone.
	function authentication.leave(connection)
		local exchange = exchanges[connection];
		exchanges[connection] = nil;
		if exchange and exchange.attempt then attempts.leave(exchange.attempt); end
	end

	return authentication;
end
