// The scenario with MQTT.js: mqttjs.js [5] URL. tests/clients/run says what the transcript is for. With 5, MQTT 5.0 is
// spoken, and what only 5.0 has is tried, too.
'use strict';

const mqtt = require('mqtt');

const patience = 10_000;
const base = `${process.env.TREE ?? 'pubsub.localhost/utf8/'}mqttjs`;
const [url, version = '4'] = process.argv.slice(2).reverse();
const speaks5 = version === '5';
// In 5.0 a session ends with its connection unless its client says for how long it is to stay.
const kept = { clean: false, properties: speaks5 ? { sessionExpiryInterval: 600 } : undefined };
const large = Buffer.from(Array.from({ length: 100_000 }, (_, i) => 0x61 + (i % 26)));

const say = (line) => console.log(line);

function shown(payload) {
	if (payload.length > 200) return `${payload.length} bytes, ${payload.equals(large) ? 'as sent' : 'CHANGED'}`;
	const hex = (byte) => '\\x' + byte.toString(16).padStart(2, '0');
	return '"' + [...payload].map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : hex(b))).join('') + '"';
}

// By their names, since servers order them as they like; without what counts down and what a server chooses for itself.
function shownProperties({ messageExpiryInterval, topicAlias, ...shown }) {
	if (shown.correlationData) shown.correlationData = shown.correlationData.toString('hex');
	return JSON.stringify(Object.fromEntries(Object.entries(shown).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** A client and what it has received. Every call waits for the server's answer. */
class Client {
	constructor(name, options) {
		this.name = name;
		this.messages = [];
		this.arrived = () => {};
		this.mqtt = mqtt.connect(url, { protocolVersion: Number(version), ...options });
		this.mqtt.on('message', (topic, payload, packet) => {
			this.messages.push({ topic, payload, packet });
			this.arrived();
		});
	}

	static async connect(name, options = {}) {
		const client = new Client(name, options);
		const connack = await new Promise((resolve, reject) => {
			client.mqtt.once('connect', resolve);
			client.mqtt.once('error', reject);
		});
		say(`${name} connects: code ${connack.reasonCode ?? connack.returnCode}, session present ${Number(connack.sessionPresent)}`);
		return client;
	}

	async subscribe(filter, qos, options = {}) {
		const [granted] = await this.mqtt.subscribeAsync(filter, { qos, ...options });
		say(`${this.name} subscribes to ${filter} at ${qos}: granted ${granted.qos}`);
	}

	// MQTT.js sends no SUBSCRIBE for what it has subscribed to at this quality of service or a better one.
	async subscribeAgain(filter, qos) {
		await this.unsubscribe(filter);
		await this.subscribe(filter, qos);
	}

	async unsubscribe(filter) {
		await this.mqtt.unsubscribeAsync(filter);
		say(`${this.name} unsubscribes from ${filter}`);
	}

	publish(topic, payload, qos, { retain = false, properties } = {}) {
		return this.mqtt.publishAsync(topic, payload, { qos, retain, properties });
	}

	// The next message, or undefined where none comes.
	next() {
		return new Promise((resolve) => {
			const timer = setTimeout(() => resolve(undefined), patience);
			this.arrived = () => {
				if (this.messages.length === 0) return;
				this.arrived = () => {};
				clearTimeout(timer);
				resolve(this.messages.shift());
			};
			this.arrived();
		});
	}

	// Waits for so many messages, then publishes one to itself: what is unexpected has come before that.
	async collect(count) {
		const sync = `${base}/sync/${this.name}`;
		const received = [];
		let message;
		while (received.length < count && (message = await this.next())) received.push(message);
		if (received.length === count) {
			await this.publish(sync, 'sync', 2);
			while ((message = await this.next()) && message.topic !== sync) received.push(message);
		}
		if (!message) say('MISSING: what follows is all that came');
		for (const { topic, payload, packet } of received) {
			say(`${this.name} receives ${topic} qos ${packet.qos} retain ${Number(packet.retain)} ${shown(payload)}`);
			const properties = shownProperties(packet.properties ?? {});
			if (properties !== '{}') say(`  with ${properties}`);
		}
	}

	async disconnect() {
		await this.mqtt.endAsync();
		say(`${this.name} disconnects`);
	}

	/** Closes the connection without DISCONNECT. */
	async abort() {
		await this.mqtt.endAsync(true);
	}
}

const messageProperties = {
	payloadFormatIndicator: true,
	messageExpiryInterval: 600,
	contentType: 'text/plain',
	responseTopic: `${base}/answers`,
	correlationData: Buffer.from([0, 255]),
	userProperties: { b: ['1', '3'], a: '2' },
};

async function scenarioOf5(main) {
	say('== properties');
	await main.subscribe(`${base}/properties`, 2, { properties: { subscriptionIdentifier: 7 } });
	for (const qos of [0, 1, 2]) {
		await main.publish(`${base}/properties`, `at ${qos}`, qos, { properties: messageProperties });
		await main.collect(1);
	}
	await main.publish(`${base}/properties`, 'kept', 1, { retain: true, properties: messageProperties });
	await main.collect(1);
	const late = await Client.connect('late', { properties: { topicAliasMaximum: 5, receiveMaximum: 1 } });
	// MQTT.js forgets the topic of a message that comes with an alias alone at QoS 2.
	await late.subscribe(`${base}/sync/late`, 1);
	await late.subscribe(`${base}/properties`, 1, { properties: { subscriptionIdentifier: 268435455 } });
	await late.collect(1);
	await main.publish(`${base}/properties`, '', 1, { retain: true });
	await late.collect(1);
	await main.collect(1);

	say('== subscription options');
	await main.publish(`${base}/options`, 'kept', 1, { retain: true });
	await main.subscribe(`${base}/options`, 1, { nl: true, rap: true, rh: 2 });
	await main.publish(`${base}/options`, 'own', 1);
	await main.collect(0);
	await late.publish(`${base}/options`, "another's", 1, { retain: true });
	await main.collect(1);
	await late.publish(`${base}/options`, '', 1, { retain: true });
	await main.collect(1);

	say('== topic aliases');
	await late.subscribe(`${base}/alias`, 1);
	await main.publish(`${base}/alias`, 'named', 1, { properties: { topicAlias: 1 } });
	await main.publish('', 'by its alias', 1, { properties: { topicAlias: 1 } });
	await late.collect(2);

	say('== will with a delay');
	await main.subscribe(`${base}/delayed`, 1);
	const will = {
		topic: `${base}/delayed`,
		payload: 'late last words',
		qos: 1,
		properties: { willDelayInterval: 1, contentType: 'text/plain', userProperties: { a: '1' } },
	};
	await (await Client.connect('mortal', { clientId: 'mqttjs_delayed', ...kept, will })).abort();
	await main.collect(1);

	say('== shared subscription');
	await late.subscribe(`$share/group/${base}/shared`, 1);
	await main.subscribe(`$share/group/${base}/shared`, 1);
	for (let i = 0; i < 4; ++i) await main.publish(`${base}/shared`, 'turn', 1);
	await late.collect(2);
	await main.collect(2);
	await late.disconnect();
}

async function scenario() {
	say('== connect');
	const main = await Client.connect('main');
	await main.subscribe(`${base}/sync/main`, 2);

	say('== quality of service');
	await main.subscribe(`${base}/qos`, 2);
	for (const qos of [0, 1, 2]) {
		await main.publish(`${base}/qos`, `published at ${qos}`, qos);
		await main.collect(1);
	}
	await main.subscribeAgain(`${base}/qos`, 0);
	await main.publish(`${base}/qos`, 'published at 2', 2);
	await main.collect(1);
	await main.unsubscribe(`${base}/qos`);
	await main.publish(`${base}/qos`, 'nobody listens', 1);
	await main.collect(0);

	say('== bursts');
	await main.subscribe(`${base}/burst`, 2);
	for (const qos of [0, 1, 2]) {
		const payloads = Array.from({ length: 20 }, (_, i) => `${i} at ${qos}`);
		await Promise.all(payloads.map((payload) => main.publish(`${base}/burst`, payload, qos)));
		await main.collect(20);
	}

	say('== retained');
	await main.publish(`${base}/retained`, 'kept', 1, { retain: true });
	await main.subscribe(`${base}/retained`, 1);
	await main.collect(1);
	await main.publish(`${base}/retained`, 'newer', 0, { retain: true });
	await main.collect(1);
	await main.publish(`${base}/retained`, 'passing', 1);
	await main.collect(1);
	await main.subscribeAgain(`${base}/retained`, 1);
	await main.collect(1);
	await main.publish(`${base}/retained`, '', 1, { retain: true });
	await main.collect(1);
	await main.subscribeAgain(`${base}/retained`, 1);
	await main.collect(0);

	say('== will');
	await main.subscribe(`${base}/will`, 1);
	const lastWords = { topic: `${base}/will`, payload: 'last words', qos: 1, retain: true };
	await (await Client.connect('mortal', { will: lastWords })).abort();
	await main.collect(1);
	await main.subscribeAgain(`${base}/will`, 1);
	await main.collect(1);
	await main.publish(`${base}/will`, '', 1, { retain: true });
	await main.collect(1);
	const neverSent = { topic: `${base}/will`, payload: 'never sent', qos: 1 };
	await (await Client.connect('polite', { will: neverSent })).disconnect();
	await main.collect(0);

	say('== session');
	const session = { clientId: 'mqttjs_again', ...kept };
	let again = await Client.connect('again', session);
	await again.subscribe(`${base}/sync/again`, 2);
	await again.subscribe(`${base}/session`, 1);
	await again.disconnect();
	for (const qos of [0, 1, 2]) await main.publish(`${base}/session`, `while away, at ${qos}`, qos);
	again = await Client.connect('again', session);
	await again.collect(2);
	await main.publish(`${base}/session`, 'still subscribed', 1);
	await again.collect(1);
	await again.disconnect();
	await (await Client.connect('again', { clientId: session.clientId })).disconnect();
	await (await Client.connect('again', session)).disconnect();

	say('== wildcards');
	await main.subscribe(`${base}/house/+/temperature`, 1);
	await main.subscribe(`${base}/house/attic/#`, 1);
	await main.publish(`${base}/house/kitchen/light`, 'not selected', 1);
	await main.collect(0);
	for (const level of ['kitchen/temperature', '/temperature', 'attic', 'attic/a/b', 'attic/wörld/温度', 'attic//']) {
		await main.publish(`${base}/house/${level}`, 'selected', 1);
		await main.collect(1);
	}
	await main.unsubscribe(`${base}/house/+/temperature`);
	await main.publish(`${base}/house/kitchen/temperature`, 'nobody listens', 1);
	await main.collect(0);

	say('== payloads');
	await main.subscribe(`${base}/payload`, 2);
	await main.publish(`${base}/payload`, '\ufeff\t\r\n ]]>&amp;<a b=\'c\'>"\\ €, \u{1d11e} \x7f\x85 ', 1);
	await main.publish(`${base}/payload`, '', 1);
	await main.collect(2);
	for (const qos of [0, 1, 2]) {
		await main.publish(`${base}/payload`, large, qos);
		await main.collect(1);
	}

	if (speaks5) await scenarioOf5(main);

	say('== end');
	await main.disconnect();
}

scenario().then(
	() => process.exit(0),
	(error) => {
		console.error(error);
		process.exit(1);
	},
);
