-- What the core has counted, as Prosody's metrics (docs/metrics.md): mod_http_openmetrics shows them.

local gauge, counter = "gauge", "counter";

-- type, name, unit, description, labels: as module:metric() takes them. The core has them under the name with its unit.
local metrics = {
	{ gauge, "clients", "", "Clients that are connected", { "transport", "version" } };
	{ gauge, "sessions", "", "Sessions", { "state" } };
	{ gauge, "subscriptions", "", "Filters that sessions subscribe to, shared ones excepted" };
	{ gauge, "shared_subscriptions", "", "Shared filters that sessions subscribe to" };
	{ gauge, "shared_groups", "", "Groups of shared subscriptions" };
	{ gauge, "retained_messages", "", "Nodes with a retained message" };
	{ gauge, "retained", "bytes", "Payloads of retained messages" };
	{ gauge, "queued_messages", "", "Messages that wait for their client" };
	{ gauge, "queued", "bytes", "Messages that wait for their client: topics, payloads and properties" };
	{ gauge, "in_flight_messages", "", "Messages at QoS 1 and 2 that were sent and are not acknowledged" };
	{ gauge, "withheld_acknowledgements", "", "Acknowledgements to publishers that wait for the store or subscribers" };

	{ counter, "connections", "", "Connections that were let in" };
	{ counter, "connects", "", "CONNECT packets" };
	{ counter, "logins", "", "Logins by how they ended", { "result" } };
	{ counter, "refused", "", "What was refused, and why", { "what", "reason" } };
	{ counter, "sessions_expired", "", "Sessions whose client did not come back in time" };

	{ counter, "packets_received", "", "MQTT packets of any type from clients" };
	{ counter, "packets_sent", "", "MQTT packets of any type to clients" };
	{ counter, "received", "bytes", "MQTT packets from clients, without TLS and WebSocket" };
	{ counter, "sent", "bytes", "MQTT packets to clients, without TLS and WebSocket" };
	{ counter, "messages_received", "", "PUBLISH packets from clients", { "qos" } };
	{ counter, "messages_received", "bytes", "Payloads of PUBLISH packets from clients", { "qos" } };
	{ counter, "messages_sent", "", "PUBLISH packets to clients", { "qos" } };
	{ counter, "messages_sent", "bytes", "Payloads of PUBLISH packets to clients", { "qos" } };
	{ counter, "messages_dropped", "", "Messages that a client did not get", { "reason" } };
	{ counter, "messages_published", "", "Messages of clients that were published", { "way" } };
	{ counter, "publishes_failed", "", "Messages that could not be published, and are to be sent again" };

	{ counter, "tls_handshakes", "", "TLS handshakes that have ended", { "result" } };
	{ counter, "tls_handshake", "seconds", "Processor time of TLS handshakes" };
	{ counter, "store_commits", "", "Transactions of the store" };
	{ counter, "store_commits_failed", "", "Transactions of the store that failed, and are tried again" };
	{ counter, "store_commit", "seconds", "Time that the transactions of the store took" };
	{ gauge, "store_waiting_changes", "", "Units of changes that wait to be committed" };
	{ counter, "main_thread", "seconds", "Time that Prosody's thread spent for MQTT" };
};

-- value: a number, or where there is a label, { [value of the label] = such a value }
local function set(family, value)
	if type(value) == "number" then
		family:with_labels():set(value);
		return;
	end
	for first, of_first in pairs(value) do
		if type(of_first) == "number" then
			family:with_labels(first):set(of_first);
		else
			for second, number in pairs(of_first) do family:with_labels(first, second):set(number); end
		end
	end
end

-- shared: with `core`, the gateway, while there is one. Returns a function that takes the metrics away, as far as
-- Prosody lets it.
return function (shared)
	local families = {}; -- key in what the core has counted -> family of metrics
	for _, metric in ipairs(metrics) do
		local name, unit = metric[2], metric[3];
		families[unit == "" and name or name.."_"..unit] = module:metric(table.unpack(metric, 1, 5));
	end

	module:hook("stats-update", function ()
		local core = shared.core;
		if not core then return; end
		-- An error would end Prosody's own statistics, too.
		local ok, values = pcall(core.metrics, core);
		if not ok then return module:log("error", "MQTT's metrics are those of before: %s", values); end
		for key, family in pairs(families) do set(family, values[key]); end
	end);

	return function ()
		for _, family in pairs(families) do family:clear(); end
	end;
end
