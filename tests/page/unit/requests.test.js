import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Declined, Requests } from '../../../src/page/mqtt/requests.js';

/** Requests to a server that answers with these, one after the other, and how often it was asked. */
function requestsTo(...answers) {
	const asked = { count: 0, requests: null };
	const client = {
		subscribeAsync: async () => {},
		once: () => {},
		publish: (_topic, _payload, { properties }) => {
			const payload = Buffer.from(JSON.stringify(answers[asked.count++]));
			asked.requests.take({ topic: properties.responseTopic, payload, properties });
		},
	};
	asked.requests = new Requests(client);
	return asked;
}

const busy = { error: 'resource-constraint', text: 'too many requests are under way' };

/** What becomes of it when all waiting is over. */
async function withoutWaiting(promise) {
	let isSettled = false;
	const settle = () => {
		isSettled = true;
	};
	promise.then(settle, settle);
	while (!isSettled) {
		await new Promise((resolve) => setImmediate(resolve));
		mock.timers.tick(10_000);
	}
	return promise;
}

test('A question that the server has no room for is asked again, but not for ever', async () => {
	mock.timers.enable({ apis: ['setTimeout'] });
	const later = requestsTo(busy, busy, { nodes: [] });
	assert.deepEqual(await withoutWaiting(later.requests.ask('nodes')), { nodes: [] });
	assert.equal(later.count, 3);
	const never = requestsTo(...Array(20).fill(busy));
	await assert.rejects(withoutWaiting(never.requests.ask('nodes')), Declined);
	assert.equal(never.count, 6);
	mock.timers.reset();
});

test('What is forbidden is not asked again', async () => {
	const asked = requestsTo({ error: 'forbidden', text: 'you may not' });
	await assert.rejects(asked.requests.ask('nodes/a'), { condition: 'forbidden', message: 'you may not' });
	assert.equal(asked.count, 1);
});
