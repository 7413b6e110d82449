// What administrators see and do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './lib/browser.js';
import { publish, subscriber } from './lib/mosquitto.js';
import { Prosody } from './lib/prosody.js';

let prosody;
let browser;

before(async () => {
	prosody = await Prosody.start();
	browser = await Browser.start();
});

after(async () => {
	await browser?.end();
	await prosody?.end();
});

test('The clients, and an end to one', async () => {
	await publish(prosody, 'pubsub.localhost/any/room/node', '1', { retain: true });
	const device = await subscriber(prosody, 'pubsub.localhost/any/#', { account: 'bob@localhost' });
	const visit = await browser.open(prosody.page);
	await visit.signIn('admin@localhost');
	await visit.press('nav a[href="#clients"]');
	await visit.waitForText('main table', /bob@localhost/);
	visit.page.removeAllListeners('dialog');
	visit.page.once('dialog', (dialog) => dialog.accept());
	await visit.pressButtonIn('bob@localhost', 'Close');
	await device.waitFor(/disconnect|Error|DISCONNECT/i);
	await visit.waitForText('[role=status]', /is closed/);
	await device.end();
	assert.deepEqual(visit.faults, []);
	await visit.close();
});

test('The retained messages below a filter', async () => {
	await publish(prosody, 'pubsub.localhost/any/other', 'not-below', { retain: true });
	const visit = await browser.open(prosody.page);
	await visit.signIn('admin@localhost');
	await visit.press('nav a[href="#retained"]');
	await visit.waitForText('main table', /other/);
	await visit.fill('main .tools input', 'pubsub.localhost/any/room/#');
	await visit.until(() => !document.querySelector('main table').textContent.includes('other'));
	await visit.press('main table a');
	await visit.waitForText('article h2', /room\/node/);
	assert.deepEqual(visit.faults, []);
	await visit.close();
});

test('More of a list that has failed is asked for again', async () => {
	await publish(prosody, 'pubsub.localhost/any/first', '1', { retain: true });
	const visit = await browser.open(prosody.page);
	await visit.signIn('admin@localhost');
	await visit.page.evaluate(() => {
		const { parse } = JSON;
		const change = [
			(answer) => ({ ...answer, next: 'pubsub.localhost/any/first' }),
			() => ({ error: 'internal-server-error', text: 'not now' }),
			() => ({ retained: [{ topic: 'pubsub.localhost/any/last', bytes: 0 }] }),
		];
		JSON.parse = (text, ...more) => {
			const answer = parse(text, ...more);
			return answer?.retained && change.length > 0 ? change.shift()(answer) : answer;
		};
	});
	await visit.press('nav a[href="#retained"]');
	await visit.waitForText('main table', /first/);
	await visit.pressButton('More');
	await visit.waitForText('main .error', /not now/);
	await visit.pressButton('More');
	await visit.waitForText('main table', /first.*last/s);
	assert.equal(await visit.page.$('main .error'), null);
	assert.deepEqual(visit.faults, []);
	await visit.close();
});
