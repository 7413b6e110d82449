// A device, of alice's where nothing else is said: MQTT.js, which publishes many messages, and bytes.
import mqtt from 'mqtt';
import { patience } from './patience.js';
import { password } from './prosody.js';

export const connectDevice = (prosody, options = {}) =>
	mqtt.connectAsync(`mqtt://127.0.0.1:${prosody.ports.mqtt}`, {
		protocolVersion: 5,
		username: 'alice@localhost',
		password,
		connectTimeout: patience,
		...options,
	});
