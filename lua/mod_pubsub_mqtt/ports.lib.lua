-- Ports and their certificates: Prosody binds the ports, the core accepts on them.

local certmanager = require "core.certmanager";
local configmanager = require "core.configmanager";
local portmanager = require "core.portmanager";

-- shared: with `core`, the gateway, while there is one; library: pubsub_mqtt.so
return function (shared, library)
	local ports = {};
	local started = false;
	local listeners = {}; -- Prosody's server handler -> the core's number for it
	local contexts_of = {}; -- the same handler -> TLS contexts of the library

	--- Certificates

	-- What portmanager's add_sni_host() gives LuaSec, for each host that has a certificate.
	local function host_tls_settings(service_name, tls_cfg)
		local by_host = {};
		for host in pairs(prosody.hosts) do
			local host_settings = configmanager.get(host, service_name.."_ssl");
			local certificate = certmanager.find_host_cert(host);
			if certificate or (host_settings and host_settings.certificate) then
				local context, _, cfg = certmanager.create_context(host, "server", host_settings, certificate, tls_cfg);
				by_host[host] = context and cfg or false; -- Prosody has said why
			end
		end
		return by_host;
	end

	-- Contexts, nil for a port without TLS; or nil and why there are none. old: of before a reload
	local function tls_contexts(service_name, active_service, old)
		local tls_cfg = active_service.tls_cfg;
		if not tls_cfg then return; end
		local contexts, err, warnings = library.tls_contexts(tls_cfg, host_tls_settings(service_name, tls_cfg), old);
		if not contexts then return nil, err; end
		for _, warning in ipairs(warnings or err) do
			module:log("warn", "TLS for %s: %s", service_name, warning);
		end
		return contexts;
	end

	--- The core's part

	local function close_connection(conn)
		conn:close();
	end

	-- Until the core accepts, Prosody does, and closes each connection, so that no client waits in vain.
	local function adopt(service_name, active_service)
		local handler = active_service.server;
		if listeners[handler] then return; end
		local contexts, tls_error = tls_contexts(service_name, active_service);
		if tls_error then
			module:log("error", "TLS for %s cannot be set up, clients of this port are refused: %s. "
				.."Mend the certificate or %s_ssl, and do `prosodyctl reload`", service_name, tls_error, service_name);
			return;
		end
		local listener, listen_error = shared.core:listen(handler:getfd(), contexts);
		if not listener then
			module:log("error", "MQTT connections cannot be accepted for %s, clients of this port are refused: %s. "
				.."When there is room, do `prosodyctl reload`", service_name, listen_error);
			return;
		end
		handler:pause();
		listeners[handler], contexts_of[handler] = listener, contexts;
	end

	local function renew(service_name, active_service)
		local handler = active_service.server;
		if not listeners[handler] then return adopt(service_name, active_service); end
		local contexts, err = tls_contexts(service_name, active_service, contexts_of[handler]);
		if contexts then
			contexts_of[handler] = contexts;
			shared.core:set_tls(listeners[handler], contexts);
		elseif err then
			module:log("error", "TLS for %s cannot be set up, what was set up before stays: %s", service_name, err);
		end
	end

	local function for_each_port(action)
		if not started or not shared.core then return; end
		for _, service_name in ipairs({ "mqtt", "mqtt_tls" }) do
			for _, _, _, _, active_service in portmanager.get_active_services():iter(service_name, nil, nil, nil) do
				action(service_name, active_service);
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
		if shared.core and listeners[handler] then
			shared.core:close_listener(listeners[handler]);
		end
		listeners[handler], contexts_of[handler] = nil, nil;
	end

	local function renew_all() for_each_port(renew); end

	module:hook("service-added", function () for_each_port(adopt); end);
	module:hook("config-reloaded", renew_all, -10); -- portmanager renews its certificates at -1
	module:hook("host-activated", renew_all, -10);

	function ports.provide()
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
