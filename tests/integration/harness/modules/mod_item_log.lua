-- The text of each item that is published, a line of the file that the global option item_log names: what is written
-- survives kill -9.

local service = module:depends("pubsub").get_service();
local file = assert(io.open(module:get_option_string("item_log"), "a"));
file:setvbuf("no");

module:hook_object_event(service.events, "item-published", function (event)
	file:write(event.item.tags[1]:get_text(), "\n");
end);
