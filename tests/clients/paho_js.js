// Eclipse Paho for JavaScript, which speaks MQTT 3.1.1 over WebSocket only: paho_js.js URL. Exits 0 where all that it
// publishes comes back.
'use strict';

const assert = require('assert');
globalThis.WebSocket = require('ws'); // Paho is made for browsers
const Paho = require('paho-mqtt');

const [url] = process.argv.slice(2);
const base = 'pubsub.localhost/utf8/paho_js';

const promised = (call) => new Promise((resolve, reject) => call({ onSuccess: resolve, onFailure: reject }));

async function main() {
	const client = new Paho.Client(url, 'paho_js');
	const messages = [];
	let arrived = () => {};
	client.onMessageArrived = (message) => {
		messages.push(message);
		arrived();
	};
	const next = async () => {
		while (messages.length === 0) await new Promise((resolve) => (arrived = resolve));
		return messages.shift();
	};

	await promised((callbacks) => client.connect(callbacks));
	await promised((callbacks) => client.subscribe(`${base}/+`, { qos: 2, ...callbacks }));
	for (const qos of [0, 1, 2]) {
		client.send(`${base}/qos`, `published at ${qos}`, qos, false);
		const message = await next();
		assert.deepStrictEqual([message.destinationName, message.payloadString, message.qos],
			[`${base}/qos`, `published at ${qos}`, qos]);
	}
	const large = 'x'.repeat(100_000);
	client.send(`${base}/large`, large, 1, true);
	assert.strictEqual((await next()).payloadString, large);
	await promised((callbacks) => client.unsubscribe(`${base}/+`, callbacks));
	await promised((callbacks) => client.subscribe(`${base}/large`, callbacks));
	const retained = await next();
	assert.deepStrictEqual([retained.payloadString, retained.retained], [large, true]);
	client.disconnect();
}

const patience = setTimeout(() => {
	console.error('nothing comes');
	process.exit(1);
}, 30_000);
main().then(() => clearTimeout(patience), (error) => {
	console.error(error);
	process.exit(1);
});
