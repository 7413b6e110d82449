// The page finds its way back by itself, and says so.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './lib/browser.js';
import { publish } from './lib/mosquitto.js';
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

for (const account of ['alice@localhost', 'alice@plain.localhost']) {
	test(`After a restart of the server ${account} goes on without the password`, async () => {
		const node = `pubsub.localhost/any/${account}`;
		await publish(prosody, node, '1', { account, retain: true });
		const visit = await browser.open(prosody.page);
		await visit.signIn(account);
		await visit.openNode(account);
		await prosody.stop();
		await visit.waitForText('.banner', /Trying again in \d+ s|Connecting/);
		await visit.waitForText('[role=status]', /connection is lost/);
		await prosody.serve();
		await visit.until(() => !document.querySelector('.banner'));
		await visit.waitForText('[role=status]', /Connected again/);
		await publish(prosody, node, '2', { account, retain: true });
		await visit.waitForText('.value-section .big', /^2$/);
		assert.deepEqual(visit.faults, []);
		await visit.close();
	});
}

for (const [error, times, said] of [
	['internal-server-error', 2, /could not be listed, the page tries again: not now/],
	['resource-constraint', 5, /The server is busy: not now\. Asking again in \d+ s/],
]) {
	test(`Where the server answers ${error}, the page asks again by itself, and says so`, async () => {
		const visit = await browser.open(prosody.page);
		await visit.page.evaluate(
			(condition, count) => {
				let left = count;
				const { parse } = JSON;
				JSON.parse = (text, ...more) => {
					const answer = parse(text, ...more);
					return answer?.hosts && left-- > 0 ? { error: condition, text: 'not now' } : answer;
				};
				window.seen = '';
				new MutationObserver(() => {
					window.seen += document.getElementById('page').textContent;
				}).observe(document.body, { childList: true, subtree: true, characterData: true });
			},
			error,
			times,
		);
		await visit.signIn('alice@localhost');
		assert.match(await visit.page.evaluate(() => window.seen), said);
		assert.equal(await visit.page.$('.banner'), null);
		assert.deepEqual(visit.faults, []);
		await visit.close();
	});
}

test('Without a connection no client can be closed', async () => {
	const visit = await browser.open(prosody.page);
	await visit.signIn('admin@localhost');
	await visit.press('nav a[href="#clients"]');
	const close = 'button[aria-label^="Close "]';
	await visit.page.waitForSelector(`${close}:enabled`);
	await prosody.stop();
	await visit.page.waitForSelector(`${close}:disabled`);
	await prosody.serve();
	await visit.until(() => !document.querySelector('.banner'));
	await visit.page.waitForSelector(`${close}:enabled`);
	assert.deepEqual(visit.faults, []);
	await visit.close();
});

test('Who has signed out is out', async () => {
	const visit = await browser.open(prosody.page);
	await visit.signIn('alice@localhost');
	await visit.pressButton('Sign out');
	await visit.page.waitForSelector('.sign-in');
	assert.equal(await visit.page.$('.tree'), null);
	assert.deepEqual(visit.faults, []);
	await visit.close();
});
