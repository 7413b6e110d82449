-- An authentication provider whose answer depends on the name of the user: "slow" waits for the event "answer-slow",
-- "broken" raises, all others have the password "secret".
local async = require "util.async";
local new_sasl = require "util.sasl".new;

local provider = { name = "harness" };

local function test_password(username, password)
	if username == "slow" then
		local wait, done = async.waiter();
		module:hook_global("answer-slow", function () done(); end);
		module:log("info", "slow waits");
		wait();
	elseif username == "broken" then
		error("the directory is down");
	end
	return password == "secret";
end

provider.test_password = test_password;

function provider.user_exists(username)
	return username ~= "nobody";
end

function provider.get_sasl_handler()
	return new_sasl(module.host, {
		plain_test = function (_, username, password)
			return test_password(username, password), true;
		end;
	});
end

module:provides("auth", provider);
