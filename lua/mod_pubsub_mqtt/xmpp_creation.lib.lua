-- A publish or a subscription over XMPP to a node that is not there, where a pattern of mqtt_node_defaults is for it.
-- Pubsub would create it as any other, or refuse whom the pattern names, so that it is created here before pubsub sees
-- the stanza (docs/mapping.md, "Patterns"). Who creates a node by <create/> configures it himself.

local jid = require "util.jid";
local st = require "util.stanza";

local xmlns_pubsub = "http://jabber.org/protocol/pubsub";

-- shared: see mod_pubsub_mqtt.lua; new_nodes: what that library returns
return function (shared, new_nodes)
	local creation = { event = "iq/host/"..xmlns_pubsub..":pubsub" };

	-- Each returns why the node must not be created, where pubsub would do it.
	local by = {};

	function by.publish(host, node, account)
		local _, is_known = new_nodes.have_pattern(host, node, account);
		if not is_known then return; end -- pubsub refuses
		local refusal = new_nodes.refuse_publish(host, node, account);
		if refusal then return refusal; end
		new_nodes.create(host, node, account);
	end

	function by.subscribe(host, node, account)
		-- mqtt_users_create_nodes makes owners of those who have an account here, and over XMPP others come, too.
		local _, is_known = new_nodes.have_pattern(host, node, account);
		local creator = is_known and account or "";
		if new_nodes.may_create_by_subscribing(host, node, creator) then
			new_nodes.create(host, node, creator);
		elseif shared.services[host].config.autocreate_on_subscribe then
			return new_nodes.refuse(host, node, creator) or "there is no such node";
		end
	end

	-- The handler of creation.event, before mod_pubsub's.
	function creation.on_request(host, event)
		local stanza = event.stanza;
		local action = stanza.tags[1].tags[1];
		local node = action and action.attr.node;
		local create = action and stanza.attr.type == "set" and by[action.name];
		if not create or not node or shared.services[host].nodes[node]
		or not new_nodes.have_pattern(host, node, jid.bare(stanza.attr.from)) then
			return;
		end
		local refusal = create(host, node, jid.bare(stanza.attr.from));
		if refusal then
			event.origin.send(st.error_reply(stanza, "cancel", "item-not-found", refusal));
			return true;
		end
	end

	return creation;
end
