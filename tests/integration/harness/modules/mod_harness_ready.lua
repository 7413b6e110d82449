-- Says in the log when Prosody serves: after `prosody -D` has forked, with the event loop running.
module:set_global();

module:hook("server-started", function ()
	module:add_timer(0, function ()
		module:log("info", "Prosody serves");
	end);
end, -1000);
