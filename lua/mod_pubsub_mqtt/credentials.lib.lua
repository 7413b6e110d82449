-- Who a client is: Prosody's accounts, asked as XMPP's SASL mechanisms PLAIN and EXTERNAL ask them.

local configmanager = require "core.configmanager";
local jid = require "util.jid";
local stringprep = require "util.encodings".stringprep;
local usermanager = require "core.usermanager";

local hosts = prosody.hosts;
local nameprep, nodeprep = stringprep.nameprep, stringprep.nodeprep;

-- settings: what settings.lib.lua returns
return function (settings)
	local credentials = {};
	local user_host, certificate_user, requires_encryption;

	-- Hosts may not be active yet.
	local function is_virtual_host(host)
		return rawget(configmanager.getconfig(), host) ~= nil and configmanager.get(host, "component_module") == nil;
	end

	local function read_user_host()
		local name = settings.string("mqtt_user_host");
		user_host = name and (jid.prep(name) or "");
		if user_host and not is_virtual_host(user_host) then
			module:log("error", "mqtt_user_host = %s is no VirtualHost: user names without a host are refused", name);
		end
	end

	function credentials.read_settings()
		read_user_host();
		certificate_user = settings.choice("mqtt_certificate_user", "xmpp_address",
			{ "xmpp_address", "dns_name", "email" }, "xmpp_address");
		requires_encryption = settings.boolean("mqtt_require_encryption", true);
	end

	credentials.read_settings();

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
	function credentials.to_account(name)
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

	local function no_host()
		return user_host and ("the user name has no host, and mqtt_user_host = %s is no VirtualHost"):format(user_host)
			or "the user name has no host: set mqtt_user_host to the VirtualHost that is meant";
	end
	local no_account =
		"the user name is no account of this server: give it as NAME@HOST, where HOST is one of its VirtualHosts";

	-- What a name says of an account: its local part, its host, or both, normalised; nothing where it is no name.
	local function parts(name)
		if not name:find("@", 1, true) then return nodeprep(name), nil; end
		local username, host, resource = jid.prepped_split(name);
		if username and not resource then return username, host; end
	end

	-- CONNECT's user name beside another one: it may be a domain alone.
	local function parts_or_host(name)
		local host = nameprep(name);
		if host and is_account_host(host) then return nil, host; end
		return parts(name);
	end

	local function host_by_tls(request)
		local host = request.server_name ~= "" and nameprep(request.server_name);
		return host and is_account_host(host) and host or nil;
	end

	-- The account that a client names in a SASL exchange: `name` is its local part or its JID. Where that has no host,
	-- CONNECT's user name says which, else the host that TLS named, else the configuration. Returns local part and host;
	-- or nil and why not.
	function credentials.named_in_exchange(request, name)
		local username, host = parts(name);
		if not username or username == "" then return nil, no_account; end
		if request.account then -- it authenticates again
			host = host or jid.host(request.account);
		elseif request.user_name then
			local said, said_host = parts_or_host(request.user_name);
			if not said and not said_host then return nil, no_account; end
			if (said and said ~= username) or (host and said_host and said_host ~= host) then
				return nil, "the user name and the name that the authentication data hold are not of one account";
			end
			host = host or said_host;
		end
		host = host or host_by_tls(request) or default_host();
		if not host then return nil, no_host(); end
		if not is_account_host(host) then return nil, no_account; end
		return username, host;
	end

	--- The checks. Each returns the answer, and the account's JID or the reason for the log. Answers are "accepted",
	--- "unavailable", "bad_credentials" and "not_authorized".

	function credentials.is_enabled(username, host)
		-- Prosody 0.12 cannot disable an account.
		return not usermanager.user_is_enabled or usermanager.user_is_enabled(username, host) ~= false;
	end

	-- Returns Prosody's SASL handler with the mechanism selected; nil where it does not offer it: select() takes any.
	function credentials.sasl_handler(request, host, mechanism)
		local session = { type = "c2s_unauthed"; host = host; ip = request.address; secure = true; log = module._log };
		local sasl = usermanager.get_sasl_handler(host, session);
		return sasl and sasl:mechanisms()[mechanism] and sasl:select(mechanism) and sasl or nil;
	end

	local function ask_provider(username, host, password, request)
		local sasl = credentials.sasl_handler(request, host, "PLAIN");
		if sasl then
			local status, condition = sasl:process("\0"..username.."\0"..password);
			-- The handler normalises once more: it must mean the same account.
			return status == "success" and sasl.username == username, condition;
		end
		return usermanager.test_password(username, host, password);
	end

	-- Where passwords may be sent in the clear at all, the connection was let in: a VirtualHost may not want it, where
	-- it is not for MQTT that they may.
	local function is_safe(request, host)
		return request.is_encrypted or request.is_loopback or not requires_encryption
			or module:context(host):get_option_boolean("allow_unencrypted_plain_auth", false);
	end

	local function check_password(username, host, password, request)
		-- SASL PLAIN (RFC 4616) separates its fields with NUL, and MQTT takes any bytes for a password.
		if not password or password == "" or password:find("\0", 1, true) then
			return "bad_credentials", "no password";
		end
		if not is_safe(request, host) then
			return "not_authorized", "a password on an unencrypted connection, which allow_unencrypted_plain_auth of "
				..host.." forbids: use TLS (mqtt_tls_ports), or set mqtt_require_encryption = false";
		end
		local ok, condition = ask_provider(username, host, password, request);
		if ok and credentials.is_enabled(username, host) then
			return "accepted", username.."@"..host;
		elseif ok or condition == "account-disabled" then
			return "not_authorized", "the account is disabled";
		elseif condition == "temporary-auth-failure" then
			return "unavailable", "the authentication provider is not available";
		end
		return "bad_credentials", "wrong user name or password";
	end

	-- "meter.example.org" is meter@example.org, where that is how certificates name accounts.
	local function dns_account(name)
		local username, host = name:match("^([^.*]+)%.(.+)$");
		return username and username.."@"..host;
	end

	-- The accounts that a client certificate names (XEP-0178), as a set of bare JIDs and a list.
	function credentials.certificate_accounts(request)
		local accounts = {};
		local function add(name)
			-- A domain, as in servers' certificates, is no account.
			if not name or not name:find("@", 1, true) then return; end
			local username, host = credentials.to_account(name);
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
			return "not_authorized", "the certificate names several accounts: give the user name of one of them";
		elseif not accounts[account] then
			return "not_authorized", "the user name is none of those in the client's certificate";
		end
		local username, host = accounts[account][1], accounts[account][2];
		if not usermanager.user_exists(username, host) or not credentials.is_enabled(username, host) then
			return "not_authorized", "the certificate's account does not exist, or is disabled";
		end
		return "accepted", account;
	end

	function credentials.names_an_account(request)
		return #request.xmpp_addresses > 0 or (certificate_user == "dns_name" and #request.dns_names > 0)
			or (certificate_user == "email" and #request.emails > 0);
	end

	-- Who proves otherwise which account he is must not contradict his certificate.
	function credentials.certificate_permits(request, account)
		return not credentials.names_an_account(request) or credentials.certificate_accounts(request)[account] ~= nil;
	end

	-- A certificate whose names are no accounts' here is none, where it does not claim to be one.
	function credentials.check(request)
		local username, host;
		if request.user_name then
			username, host = credentials.to_account(request.user_name);
			if not username then
				local has_host = request.user_name:find("@", 1, true) or default_host();
				return "bad_credentials", has_host and no_account or no_host();
			end
		end
		if credentials.names_an_account(request) then
			local accounts = credentials.certificate_accounts(request);
			if #accounts == 0 then return "not_authorized", "the certificate names no account of this server"; end
			return check_certificate(accounts, username and username.."@"..host);
		elseif not username then
			return "accepted", ""; -- a client without login
		end
		return check_password(username, host, request.password, request);
	end

	return credentials;
end
