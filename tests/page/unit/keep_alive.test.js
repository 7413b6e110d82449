// When a connection on which PINGRESP does not come is given up.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { holdWhileReceiving } from '../../../src/page/mqtt/keep_alive.js';

class Client extends EventEmitter {
	keepalive = 60;
	pings = 0;
	isGivenUp = false;

	sendPing() {
		this.pings += 1;
	}

	onKeepaliveTimeout() {
		this.isGivenUp = true;
	}
}

function heldClient(t) {
	t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
	const client = new Client();
	holdWhileReceiving(client);
	return client;
}

test('A connection on which something arrives is held, and asked again', (t) => {
	const client = heldClient(t);
	for (const pings of [1, 2, 3]) {
		t.mock.timers.tick(1000);
		client.emit('packetreceive', { cmd: 'publish' });
		t.mock.timers.tick(29_000);
		client.onKeepaliveTimeout();
		assert.equal(client.pings, pings);
	}
	assert.equal(client.isGivenUp, false);
});

test('A connection on which nothing has arrived for half of the Keep Alive is given up', (t) => {
	const client = heldClient(t);
	client.emit('packetreceive', { cmd: 'publish' });
	t.mock.timers.tick(30_000);
	client.onKeepaliveTimeout();
	assert.equal(client.isGivenUp, true);
	assert.equal(client.pings, 0);
});

test('MQTT.js has what is changed here', () => {
	for (const name of ['sendPing', 'onKeepaliveTimeout', 'keepalive'])
		assert.ok(name in mqtt.MqttClient.prototype, name);
});
