// One connection to the server: MQTT 5 over a WebSocket, and how it lets us in.
import mqtt from 'mqtt';
import { Refused, whyRefused } from './reasons.js';
import { Scram } from './scram.js';

// What is larger does not reach the page.
export const largestPacket = 2 * 1024 * 1024;

const newClientId = () => `page-${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(12))))}`;

const options = () => ({
	protocolVersion: 5,
	clientId: newClientId(),
	clean: true,
	keepalive: 60,
	reconnectPeriod: 0, // Session does that
	forceNativeWebSocket: true,
	timerVariant: 'native', // the other one is a worker made of a blob, which the Content-Security-Policy forbids
	properties: { maximumPacketSize: largestPacket },
});

/** Lets MQTT.js log in by SCRAM. Returns what judges the server's proof, in CONNACK. */
function authenticate(client, scram, method) {
	client.handleAuth = (packet, answer) => {
		scram.final(packet.properties.authenticationData ?? new Uint8Array()).then(
			(authenticationData) =>
				answer(null, {
					cmd: 'auth',
					reasonCode: 0x18,
					properties: { authenticationMethod: method, authenticationData },
				}),
			(error) => answer(new Error(`The server's challenge is not valid. ${error.message}`)),
		);
	};
	return (connack) => scram.isProvenBy(connack.properties?.authenticationData ?? new Uint8Array());
}

/**
 * Connects. `login` is one of { method, name, key } (SCRAM, with a passwordKey()), { name, password } and null (without
 * login). Gives MQTT.js's client once the server has let us in, and has proven that it knows the password, too.
 * Fails with Refused where the server has answered, with another Error where none has.
 */
export function connect(url, login) {
	const settings = options();
	const scram = login?.method ? new Scram(login.method, login.name, login.key) : null;
	if (scram) {
		settings.properties.authenticationMethod = login.method;
		settings.properties.authenticationData = scram.first();
	} else if (login) {
		settings.username = login.name;
		settings.password = login.password;
	}
	return new Promise((resolve, reject) => {
		const client = mqtt.connect(url, settings);
		const isProven = scram ? authenticate(client, scram, login.method) : () => true;
		let answer = null; // CONNACK
		const fail = (error) => {
			client.end(true);
			reject(error);
		};
		const listeners = {
			packetreceive: (packet) => {
				if (packet.cmd === 'connack') answer = packet;
			},
			error: (error) => {
				const { reasonCode, properties } = answer ?? { reasonCode: 0 };
				fail(
					reasonCode
						? new Refused(reasonCode, whyRefused(reasonCode, properties?.reasonString, login !== null))
						: error,
				);
			},
			close: () => fail(new Error('The server does not answer.')),
			connect: (connack) => {
				if (!isProven(connack)) {
					fail(new Error('The server does not prove that it knows the password: it may be another server.'));
					return;
				}
				client.on('error', () => {}); // an "error" that nobody hears is thrown
				for (const [event, listener] of Object.entries(listeners)) client.off(event, listener);
				resolve(client);
			},
		};
		for (const [event, listener] of Object.entries(listeners)) client.on(event, listener);
	});
}
