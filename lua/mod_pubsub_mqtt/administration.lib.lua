-- What an administrator can ask and do: each command by its name, with what it is given and a function that computes
-- the answer as values. shell.lib.lua and adhoc_commands.lib.lua print answers.
--
-- A command: { name =, description =, arguments = list of { name =, label =, is_optional = }, run = function }. run()
-- is given the arguments and returns a promise of an answer, which is rejected with a text where there is none. One is:
--   columns  list of { name =, label = }, or nil: there is no table
--   rows     list of { name of a column = string or number }
--   text     the sum, or what was done

local promise = require "util.promise";

-- clients, retained_messages, explain, store_view, apply_defaults: what these libraries return
return function (clients, retained_messages, explain, store_view, apply_defaults)
	local text = { name = "text", label = "Part of client identifier, account or address", is_optional = true };
	local client = { name = "client", label = "Number in the list, or client identifier" };
	local filter = { name = "filter", label = "Topic filter" };

	local function apply(pattern)
		local rows = {};
		local applied, mistake = apply_defaults(pattern, function (host, node, err)
			table.insert(rows, { host = host, node = node, error = err });
		end);
		if not applied then return promise.reject(("The pattern %s: %s"):format(pattern, mistake)); end
		return applied:next(function (numbers)
			return {
				columns = #rows > 0 and { { name = "host", label = "Host" }, { name = "node", label = "Node" },
					{ name = "error", label = "Error" } } or nil;
				rows = rows;
				text = ("%d nodes: %d changed, %d unchanged, %d failed"):format(
					numbers.changed + numbers.unchanged + numbers.failed, numbers.changed, numbers.unchanged, numbers.failed);
			};
		end);
	end

	return {
		{ name = "list", description = "List clients, and sessions that are away", arguments = { text },
			run = clients.list };
		{ name = "away", description = "List sessions that are away", arguments = { text },
			run = clients.list_away };
		{ name = "show", description = "Show all that is known of a client", arguments = { client },
			run = clients.show };
		{ name = "close", description = "Close the connection of a client; its session stays",
			arguments = { client }, run = clients.close };
		{ name = "delete", description = "End the session of a client, with its filters and what waits for it",
			arguments = { client }, run = clients.delete };
		{ name = "retained", description = "List the retained messages that a topic filter selects",
			arguments = { filter }, run = retained_messages.list };
		{ name = "clear_retained", description = "Clear the retained messages that a topic filter selects",
			arguments = { filter }, run = retained_messages.clear };
		{ name = "explain", description = "Say whether an account may subscribe and publish to a topic, and why (not)",
			arguments = { { name = "account", label = "Account; empty: a client without login", is_optional = true },
				{ name = "topic", label = "Topic, as the client names it" } }, run = explain };
		{ name = "store", description = "Show what the store of sessions and items holds", arguments = {},
			run = store_view };
		{ name = "apply_defaults", description = "Apply mqtt_node_defaults to the nodes that exist and match a pattern",
			arguments = { { name = "pattern", label = "Pattern of node names" } }, run = apply };
	};
end
