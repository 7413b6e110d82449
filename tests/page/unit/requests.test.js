import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mock, test } from 'node:test';
import { Requests } from '../../../src/page/mqtt/requests.js';

const dropped = Symbol('a PUBACK without an answer');
const silence = Symbol('nothing');
const busy = { error: 'resource-constraint', text: 'too many requests are under way' };

/** A server that answers with these, one after the other, what it was asked, and what asks it. */
function serverOf(...answers) {
	const client = new EventEmitter();
	const server = { count: 0, said: [], client };
	client.subscribeAsync = async () => {};
	client.publish = (_topic, _payload, { properties }, acknowledged) => {
		const answer = answers[Math.min(server.count++, answers.length - 1)];
		if (answer === silence) return;
		if (answer !== dropped) {
			const payload = Buffer.from(JSON.stringify(answer));
			server.requests.take({ topic: properties.responseTopic, payload, properties });
		}
		acknowledged(undefined, {});
	};
	server.requests = new Requests(client, () => {
		const { waiting } = server.requests;
		server.said.push(waiting && waiting.why);
	});
	return server;
}

const settled = async () => {
	for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve));
};

/** So many of the longest pauses go by. */
async function pauses(count) {
	for (let round = 0; round < count; round++) {
		await settled();
		mock.timers.tick(60_000);
	}
	await settled();
}

test('A question that the server has no room for is asked again until it has, and that is said', async (t) => {
	mock.timers.enable({ apis: ['setTimeout'] });
	t.after(() => mock.timers.reset());
	const server = serverOf(...Array(10).fill(busy), { nodes: [] });
	const answer = server.requests.ask('nodes');
	await pauses(8);
	assert.equal(server.requests.waiting.why, busy.text);
	await pauses(3);
	assert.deepEqual(await answer, { nodes: [] });
	assert.equal(server.count, 11);
	assert.equal(server.requests.waiting, null);
	assert.equal(server.said.at(-1), null);
});

test('What is over soon is not said', async (t) => {
	mock.timers.enable({ apis: ['setTimeout'] });
	t.after(() => mock.timers.reset());
	const server = serverOf(busy, busy, { nodes: [] });
	const answer = server.requests.ask('nodes');
	await pauses(2);
	await answer;
	assert.deepEqual(server.said, []);
});

test('What waits, for an answer, or to be asked again or at all, ends with the connection', async (t) => {
	mock.timers.enable({ apis: ['setTimeout'] });
	t.after(() => mock.timers.reset());
	for (const state of [silence, busy]) {
		const server = serverOf(state);
		const asked = [1, 2].map(() =>
			assert.rejects(server.requests.ask('nodes'), { message: 'The connection is lost.' }),
		);
		await settled();
		server.client.emit('close');
		await Promise.all(asked);
		await assert.rejects(server.requests.ask('nodes'), /connection is lost/);
		assert.equal(server.count, 1);
	}
});

test('An answer may be late by minutes, since messages may stand before it on a slow link', async (t) => {
	mock.timers.enable({ apis: ['setTimeout'] });
	t.after(() => mock.timers.reset());
	const server = serverOf(silence);
	const answer = server.requests.ask('nodes');
	await pauses(10);
	server.requests.take({
		topic: '$pubsub/reply/page',
		payload: Buffer.from('{"nodes":[]}'),
		properties: { correlationData: '1' },
	});
	assert.deepEqual(await answer, { nodes: [] });
});

test('A question that PUBACK comes for alone has failed, and holds up no other', async () => {
	const server = serverOf(dropped, { nodes: [] });
	await assert.rejects(server.requests.ask('nodes'), /no answer/);
	assert.deepEqual(await server.requests.ask('nodes'), { nodes: [] });
});

test('A subscription to the answers that has failed is made again with the next question', async () => {
	const server = serverOf({ nodes: [] });
	const { subscribeAsync } = server.client;
	server.client.subscribeAsync = async () => {
		throw new Error('not now');
	};
	await assert.rejects(server.requests.ask('nodes'), /not now/);
	server.client.subscribeAsync = subscribeAsync;
	assert.deepEqual(await server.requests.ask('nodes'), { nodes: [] });
});

test('What is forbidden is not asked again', async () => {
	const server = serverOf({ error: 'forbidden', text: 'you may not' });
	await assert.rejects(server.requests.ask('nodes/a'), { condition: 'forbidden', message: 'you may not' });
	assert.equal(server.count, 1);
});
