-- Who a client is: Prosody's accounts, asked as XMPP's SASL mechanisms PLAIN and EXTERNAL ask them.

local async = require "util.async";
local cache = require "util.cache";
local jid = require "util.jid";
local nodeprep = require "util.encodings".stringprep.nodeprep;
local throttle = require "util.throttle";
local timer = require "util.timer";
local usermanager = require "core.usermanager";
local settings = module:require "settings";

local hosts = prosody.hosts;

-- CONNACK's return codes (MQTT 3.1.1, table 3.1)
local accepted, unavailable, bad_password, not_authorized = 0, 3, 4, 5;

local user_host = jid.prep(module:get_option_string("mqtt_user_host"));
local certificate_user = settings.choice("mqtt_certificate_user", "xmpp_address",
	{ "xmpp_address", "dns_name", "email" }, "xmpp_address");
local max_failures = settings.limit("mqtt_max_failed_logins", 10, 1, 1000000);

--- Names

local function is_account_host(host)
	return hosts[host] ~= nil and hosts[host].type == "local";
end

-- Where a user name has no host: the only VirtualHost.
local function default_host()
	if user_host then return is_account_host(user_host) and user_host or nil; end
	local found;
	for host in pairs(hosts) do
		if is_account_host(host) then
			if found then return; end
			found = host;
		end
	end
	return found;
end

-- The account that a name means, normalised as XMPP does; nil if it can be none.
local function to_account(name)
	local username, host, resource;
	if name:find("@", 1, true) then
		username, host, resource = jid.prepped_split(name);
	else
		username, host = nodeprep(name), default_host();
	end
	if username and username ~= "" and host and not resource and is_account_host(host) then
		return username, host;
	end
end

--- The log: whoever can connect, can fail as often as he likes

local burst_period = 60; -- seconds
local bursts = {}; -- reason -> how many logins failed for it in this period

-- Of each reason one line and a count are logged a period, and the others at debug level. There are a few reasons.
local function log_failure(level, reason, text)
	bursts[reason] = (bursts[reason] or 0) + 1;
	if bursts[reason] > 1 then
		module:log("debug", "%s", text);
		return;
	end
	module:log(level, "%s", text);
	timer.add_task(burst_period, function ()
		if bursts[reason] > 1 then
			module:log(level, "%d MQTT logins failed: %s", bursts[reason], reason);
		end
		bursts[reason] = nil;
	end);
end

--- Failed logins: first they take longer, then they are refused for a while

local failure_period = 300; -- seconds in which mqtt_max_failed_logins are forgotten
local free_failures = 3;
local longest_delay = 5; -- seconds; shorter than mqtt_connect_timeout
-- What fails -> throttle. Apart, so that names made up do not push the addresses out, nor the reverse.
local failures = { address = cache.new(10000), account = cache.new(10000) };
local known_good = cache.new(10000); -- account and address that have succeeded

-- key: { kind, name }
local function failures_of(key)
	local kind, name = key[1], key[2];
	local found = failures[kind]:get(name) or throttle.create(max_failures, failure_period);
	failures[kind]:set(name, found); -- the one that was used last is forgotten last
	return found;
end

-- An attempt counts as failed until it has succeeded, or a thousand at once would all be the first. Returns how long
-- it waits; nil: it is refused.
local function begin_attempt(key)
	local counted = failures_of(key);
	counted:update();
	if not counted:poll(1) then return; end
	local failed = math.floor(counted.max - counted.balance) - 1;
	if failed < free_failures then return 0; end
	return math.min(longest_delay, 2^(failed - free_failures) / 2);
end

local function forgive_attempt(key)
	local counted = failures_of(key);
	counted.balance = math.min(counted.max, counted.balance + 1);
end

--- The checks. Each returns a return code, and the account's JID or the reason for the log.

local function is_enabled(username, host)
	-- Prosody 0.12 cannot disable an account.
	return not usermanager.user_is_enabled or usermanager.user_is_enabled(username, host) ~= false;
end

local function ask_provider(username, host, password, request)
	local session = { type = "c2s_unauthed"; host = host; ip = request.address; secure = true; log = module._log };
	local sasl = usermanager.get_sasl_handler(host, session);
	if sasl and sasl:mechanisms()["PLAIN"] and sasl:select("PLAIN") then
		local status, condition = sasl:process("\0"..username.."\0"..password);
		-- The handler normalises once more: it must mean the same account.
		return status == "success" and sasl.username == username, condition;
	end
	return usermanager.test_password(username, host, password);
end

-- Where passwords may be sent in the clear at all, the connection was let in: a VirtualHost may not want it.
local function is_safe(request, host)
	return request.is_encrypted or request.is_loopback
		or module:context(host):get_option_boolean("allow_unencrypted_plain_auth", false);
end

local function check_password(username, host, password, request)
	-- SASL PLAIN (RFC 4616) separates its fields with NUL, and MQTT takes any bytes for a password.
	if not password or password == "" or password:find("\0", 1, true) then
		return bad_password, "no password";
	end
	if not is_safe(request, host) then
		return not_authorized, "a password on an unencrypted connection, which allow_unencrypted_plain_auth of "
			..host.." forbids: use TLS (mqtt_tls_ports)";
	end
	local ok, condition = ask_provider(username, host, password, request);
	if ok and is_enabled(username, host) then
		return accepted, username.."@"..host;
	elseif ok or condition == "account-disabled" then
		return not_authorized, "the account is disabled";
	elseif condition == "temporary-auth-failure" then
		return unavailable, "the authentication provider is not available";
	end
	return bad_password, "wrong user name or password";
end

-- "meter.example.org" is meter@example.org, where that is how certificates name accounts.
local function dns_account(name)
	local username, host = name:match("^([^.*]+)%.(.+)$");
	return username and username.."@"..host;
end

-- The accounts that a client certificate names (XEP-0178), as a set of bare JIDs and a list.
local function certificate_accounts(request)
	local accounts = {};
	local function add(name)
		-- A domain, as in servers' certificates, is no account.
		if not name or not name:find("@", 1, true) then return; end
		local username, host = to_account(name);
		if not username then return; end
		local account = username.."@"..host;
		if accounts[account] then return; end
		accounts[account] = { username, host };
		accounts[#accounts+1] = account;
	end
	for _, name in ipairs(request.xmpp_addresses) do add(name); end
	if certificate_user == "dns_name" then
		for _, name in ipairs(request.dns_names) do add(dns_account(name)); end
	elseif certificate_user == "email" then
		for _, name in ipairs(request.emails) do add(name); end
	end
	return accounts;
end

local function check_certificate(accounts, account)
	account = account or (#accounts == 1 and accounts[1]);
	if not account then
		return not_authorized, "the certificate names several accounts: give the user name of one of them";
	elseif not accounts[account] then
		return not_authorized, "the user name is none of those in the client's certificate";
	end
	local username, host = accounts[account][1], accounts[account][2];
	if not usermanager.user_exists(username, host) or not is_enabled(username, host) then
		return not_authorized, "the certificate's account does not exist, or is disabled";
	end
	return accepted, account;
end

local function names_an_account(request)
	return #request.xmpp_addresses > 0 or (certificate_user == "dns_name" and #request.dns_names > 0)
		or (certificate_user == "email" and #request.emails > 0);
end

-- A certificate whose names are no accounts' here is none, where it does not claim to be one.
local function check(request)
	local username, host;
	if request.user_name then
		username, host = to_account(request.user_name);
		if not username then
			if not request.user_name:find("@", 1, true) and not default_host() then
				return bad_password, "the user name has no host: set mqtt_user_host to the VirtualHost that is meant";
			end
			return bad_password, "the user name is no account's here";
		end
	end
	if names_an_account(request) then
		local accounts = certificate_accounts(request);
		if #accounts == 0 then return not_authorized, "the certificate names no account of this server"; end
		return check_certificate(accounts, username and username.."@"..host);
	elseif not username then
		return accepted, ""; -- a client without login
	end
	return check_password(username, host, request.password, request);
end

--- A login does not hold up the others: providers may wait in their runner

-- What an attempt counts against. A certificate cannot be guessed.
local function throttle_keys(request, account)
	local keys = {};
	if names_an_account(request) then return keys; end
	-- Behind a proxy everybody comes from loopback.
	if not request.is_loopback then keys[1] = { "address", request.party }; end
	-- Nobody locks a device out by guessing its password from elsewhere.
	if account and (request.is_loopback or not known_good:get(account.."\0"..request.party)) then
		keys[#keys+1] = { "account", account };
	end
	return keys;
end

-- How long the attempt waits; nil: it is refused, and costs nothing.
local function begin_attempts(keys)
	local delay = 0;
	for i, key in ipairs(keys) do
		local wait = begin_attempt(key);
		if not wait then
			for j = 1, i - 1 do forgive_attempt(keys[j]); end
			log_failure("warn", "too many failures of one "..key[1],
				("Too many failed logins of %s %s: refused for a while, see mqtt_max_failed_logins"):format(key[1], key[2]));
			return;
		end
		delay = math.max(delay, wait);
	end
	return delay;
end

-- under_way: request -> the account that it asks for, until it is decided. An account that changes meanwhile is taken
-- out of it (outdate), and what the provider said of it before is worth nothing.
local function log_in(request, under_way, reply)
	local username, host = to_account(request.user_name or "");
	local account = username and username.."@"..host;
	local keys = throttle_keys(request, account);

	local function finish(code, result)
		if code == accepted and result ~= "" and under_way[request] ~= account and under_way[request] ~= result then
			code, result = unavailable, "the account changed while it logged in";
		end
		under_way[request] = nil;
		request.password = nil;
		if code ~= bad_password then
			for _, key in ipairs(keys) do forgive_attempt(key); end
		end
		if code == accepted then
			if result ~= "" then known_good:set(result.."\0"..request.party, true); end
			return reply(request.connection, accepted, result);
		end
		log_failure("info", result,
			("%s: login%s failed: %s"):format(request.client, account and " as "..account or "", result));
		reply(request.connection, code);
	end

	local delay = begin_attempts(keys);
	if not delay then
		request.password = nil;
		return reply(request.connection, unavailable);
	end
	under_way[request] = account or certificate_accounts(request)[1] or "";

	local runner = async.runner(function ()
		finish(check(request));
	end, {
		error = function (_, err)
			-- Without the traceback, which is long and says nothing to an administrator.
			log_failure("error", "an error in the authentication provider",
				"The authentication provider failed: "..tostring(err):match("^[^\n]*"));
			finish(unavailable, "the authentication provider failed");
		end;
	});
	if delay > 0 then
		timer.add_task(delay, function () runner:run(true); end);
	else
		runner:run(true);
	end
end

local function outdate(under_way, account)
	for request, of in pairs(under_way) do
		if of == account then under_way[request] = ""; end
	end
end

return { log_in = log_in; outdate = outdate };
