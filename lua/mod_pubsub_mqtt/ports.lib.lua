-- Ports and their certificates: Prosody binds the ports, the core accepts on them.

local certmanager = require "core.certmanager";
local configmanager = require "core.configmanager";
local portmanager = require "core.portmanager";
local serialize = require "util.serialization".serialize;

-- shared: with `core`, the gateway, while there is one; library: pubsub_mqtt.so
return function (shared, library)
	local ports = {};
	local started = false;
	local listeners = {}; -- Prosody's server handler -> the core's number for it
	local contexts_of = {}; -- the same handler -> TLS contexts of the library

	--- Certificates

	-- What portmanager's add_sni_host() gives LuaSec, for each host: TLS settings, why there are none, or false where
	-- there is no certificate.
	local function host_tls_settings(service_name, tls_cfg)
		local by_host = {};
		for host in pairs(prosody.hosts) do
			local host_settings = configmanager.get(host, service_name.."_ssl");
			local certificate = certmanager.find_host_cert(host);
			by_host[host] = false;
			if certificate or (host_settings and host_settings.certificate) then
				local context, err, cfg = certmanager.create_context(host, "server", host_settings, certificate, tls_cfg);
				by_host[host] = context and cfg or tostring(err or "the settings cannot be used");
			end
		end
		return by_host;
	end

	-- Whether the administrator has named the port's certificate. Else Prosody takes one of those it finds.
	local function is_named(port)
		for _, setting in ipairs({ port.service_name.."_ssl", "ssl" }) do
			local options = configmanager.get("*", setting) or {};
			local of_interface, of_port = options[port.interface] or {}, options[port.number] or {};
			if options.certificate or of_interface.certificate or of_port.certificate then return true; end
		end
		return false;
	end

	-- Contexts, nil for a port without TLS; or nil and why there are none. old: of before a reload
	local function tls_contexts(port, old)
		local tls_cfg = port.active_service.tls_cfg;
		if not tls_cfg then return; end
		local by_host = host_tls_settings(port.service_name, tls_cfg);
		local contexts, err, warnings = library.tls_contexts(tls_cfg, by_host, is_named(port), old);
		if not contexts then return nil, err; end
		for _, warning in ipairs(warnings or err) do
			module:log("warn", "TLS for %s: %s", port.service_name, warning);
		end
		return contexts;
	end

	--- The core's part

	local function close_connection(conn)
		conn:close();
	end

	-- Until the core accepts, Prosody does, and closes each connection, so that no client waits in vain.
	local function adopt(port)
		local handler, service_name = port.active_service.server, port.service_name;
		if listeners[handler] then return; end
		local contexts, tls_error = tls_contexts(port);
		if tls_error then
			module:log("error", "TLS for %s cannot be set up, clients of this port are refused: %s. "
				.."Mend the certificate or %s_ssl, and do `prosodyctl reload`", service_name, tls_error, service_name);
			return;
		end
		local core = shared.core; -- which `shared` may lose on the way
		if not core then return; end
		local listener, listen_error = core:listen(handler:getfd(), contexts);
		if not listener then
			module:log("error", "MQTT connections cannot be accepted for %s, clients of this port are refused: %s. "
				.."When there is room, do `prosodyctl reload`", service_name, listen_error);
			return;
		end
		handler:pause();
		listeners[handler], contexts_of[handler] = listener, contexts;
	end

	local function renew(port)
		local handler = port.active_service.server;
		if not listeners[handler] then return adopt(port); end
		local contexts = tls_contexts(port, contexts_of[handler]); -- what cannot be replaced stays
		local core = shared.core;
		if contexts and core then
			contexts_of[handler] = contexts;
			core:set_tls(listeners[handler], contexts);
		end
	end

	-- Prosody 0.12 runs its signal handlers wherever Lua runs: the core may stop in an action.
	-- A port here is { service_name, active_service, interface, number }, the second as portmanager keeps it.
	local function for_each_port(action)
		if not started or not shared.core then return; end
		for _, service_name in ipairs({ "mqtt", "mqtt_tls" }) do
			for _, interface, number, _, active_service in portmanager.get_active_services():iter(service_name, nil, nil, nil) do
				action({
					service_name = service_name, active_service = active_service, interface = interface, number = number;
				});
			end
		end
	end

	-- From now on, while the core's thread runs.
	function ports.start()
		started = true;
		for_each_port(adopt);
	end

	function ports.stop()
		started = false;
	end

	--- Prosody's part

	local listener = { onconnect = close_connection };

	function listener.onincoming() end

	-- The port is closed: let go of the socket before Prosody does, or it stays bound.
	function listener.ondisconnect(handler)
		local core = shared.core;
		if core and listeners[handler] then
			core:close_listener(listeners[handler]);
		end
		listeners[handler], contexts_of[handler] = nil, nil;
	end

	local function renew_all() for_each_port(renew); end

	-- What portmanager read when it opened the ports of a service.
	local function addresses(service_name)
		local read = {};
		for _, setting in ipairs({
			service_name.."_ports"; service_name.."_interfaces"; service_name.."_interface";
			"local_interfaces"; "interfaces"; "interface";
		}) do
			table.insert(read, serialize(configmanager.get("*", setting)));
		end
		return table.concat(read, "\n");
	end

	local opened = {}; -- service -> addresses() when its ports were opened

	-- Since somebody else had them, say. Ports of which some are open stay so: an interface may never be there.
	local function is_left_closed(service_name)
		local ports_set = configmanager.get("*", service_name.."_ports");
		return not (type(ports_set) == "table" and next(ports_set) == nil)
			and portmanager.get_active_services():iter(service_name, nil, nil, nil)() == nil;
	end

	-- Portmanager opens ports when a module provides them, and not again. Clients stay: they have left the port. One
	-- service may get what was the other's.
	local function open_again_where_changed()
		local changed = {};
		for service_name, before in pairs(opened) do
			opened[service_name] = addresses(service_name);
			if (opened[service_name] ~= before or is_left_closed(service_name)) and portmanager.get_service(service_name) then
				table.insert(changed, service_name);
			end
		end
		for _, service_name in ipairs(changed) do portmanager.deactivate(service_name); end
		for _, service_name in ipairs(changed) do portmanager.activate(service_name); end
	end

	module:hook("service-added", function () for_each_port(adopt); end);
	-- After a reload of the configuration.
	function ports.renew()
		open_again_where_changed();
		renew_all();
	end

	module:hook("host-activated", renew_all, -10);

	function ports.provide()
		for _, service_name in ipairs({ "mqtt", "mqtt_tls" }) do opened[service_name] = addresses(service_name); end
		module:provides("net", {
			name = "mqtt";
			default_port = 1883;
			private = true;
			listener = listener;
		});
		module:provides("net", {
			name = "mqtt_tls";
			encryption = "ssl";
			default_port = 8883;
			listener = listener;
		});
	end

	return ports;
end
