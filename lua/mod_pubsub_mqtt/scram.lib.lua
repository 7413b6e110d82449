-- SCRAM (RFC 5802, RFC 7677) as far as it comes before and beside Prosody's own: the syntax of what clients send, and
-- challenges for accounts that do not exist.

local encodings = require "util.encodings";
local hashers = require "util.sasl.scram".hashers;
local hmac_sha256 = require "util.hashes".hmac_sha256;
local uuid = require "util.uuid";

local base64, saslprep = encodings.base64, encodings.stringprep.saslprep;

local longest_message = 8192; -- bytes: a JID of the greatest length, all of its characters escaped, and a nonce

local default_iterations = 10000; -- Prosody's

-- method -> its hash, by the name that Prosody has for it, and the size of a proof
local methods = {
	["SCRAM-SHA-1"] = { hash = "SHA-1", proof_size = 20 };
	["SCRAM-SHA-256"] = { hash = "SHA-256", proof_size = 32 };
};

local escapes = { ["2C"] = ",", ["3D"] = "=" };

-- saslname (RFC 5802, section 7); nil where it is none
local function unescape(name)
	for code in name:gmatch("=(.?.?)") do
		if not escapes[code] then return nil; end
	end
	return (name:gsub("=(..)", escapes));
end

-- challenge_key: for made-up challenges, as long as Prosody runs
return function (challenge_key)
	local scram = {};

	function scram.is_method(name)
		return methods[name] ~= nil;
	end

	-- client-first-message, without channel binding and authorization identity. Returns the name and the nonce; or nil
	-- and what is wrong.
	function scram.client_first(message)
		if #message > longest_message then return nil, "the authentication data are too long"; end
		local flag, identity, name, nonce = message:match("^([^,]*),([^,]*),n=([^,]*),r=([^,]+)");
		if not flag or nonce:find("[^\33-\126]") then
			return nil, "the authentication data are no first message of SCRAM (RFC 5802)";
		elseif flag ~= "n" and flag ~= "y" then
			return nil, "SCRAM with channel binding, which MQTT does not have";
		elseif identity ~= "" then
			return nil, "SCRAM with an authorization identity: a client acts as the account that it authenticates as";
		end
		name = unescape(name);
		name = name and saslprep(name);
		if not name or name == "" then return nil, "the name in the authentication data is none"; end
		return name, nonce;
	end

	-- client-final-message. Prosody's own reading of it raises for what is no base64.
	function scram.is_client_final(message, method)
		local proof = #message <= longest_message and message:match("^c=[^,]*,r=[^,]*.*,p=([^,]*)$");
		local decoded = proof and base64.decode(proof);
		return decoded ~= nil and decoded ~= false and #decoded == methods[method].proof_size;
	end

	-- The salt that an account of this name would have (mod_auth_internal_hashed): the same, however often it is asked.
	local function made_up_salt(account)
		local digits = hmac_sha256(challenge_key, account, true);
		local variant = ("%x"):format(tonumber(digits:sub(16, 16), 16) % 4 + 8);
		return table.concat({
			digits:sub(1, 8), digits:sub(9, 12), "4"..digits:sub(13, 15), variant..digits:sub(17, 19), digits:sub(20, 31);
		}, "-");
	end

	-- Where passwords are stored as they are, each exchange has a salt of its own, and its hash costs time.
	local function salt_of_stored_password(method)
		local salt = uuid.generate();
		-- Bytes that are no text would be refused before they are hashed.
		assert(hashers[methods[method].hash]("no account's password", salt, default_iterations));
		return salt;
	end

	-- server-first-message for an account that may not log in, in nothing different from that of one that may.
	function scram.made_up_challenge(sasl, method, username, host, nonce)
		local stores_passwords = sasl.profile and sasl.profile.plain;
		local salt = stores_passwords and salt_of_stored_password(method) or made_up_salt(username.."@"..host);
		local iterations = stores_passwords and default_iterations
			or module:context(host):get_option_number("default_iteration_count", default_iterations);
		return ("r=%s,s=%s,i=%d"):format(nonce..uuid.generate(), base64.encode(salt), iterations);
	end

	-- Has the handler take `name`, which may be a JID, for the local part `username`. Its profile may be that of other
	-- handlers, too.
	function scram.name_account(sasl, name, username)
		if type(sasl.profile) ~= "table" then return; end
		local function prep(asked)
			return asked == name and username or nil;
		end
		sasl.profile = setmetatable({ nodeprep = prep }, { __index = sasl.profile });
	end

	return scram;
end
