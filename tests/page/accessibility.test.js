// What axe-core finds wrong for people who do not see, or see little: nothing, in the light and in the dark.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Browser } from './lib/browser.js';
import { publish } from './lib/mosquitto.js';
import { Prosody } from './lib/prosody.js';

const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

let prosody;
let browser;

before(async () => {
	prosody = await Prosody.start();
	browser = await Browser.start();
	await publish(prosody, 'pubsub.localhost/any/home/kitchen', '{"t":21.5}', { retain: true });
	await publish(prosody, 'pubsub.localhost/any/home/note', 'text', { retain: true });
});

after(async () => {
	await browser?.end();
	await prosody?.end();
});

/** `what` is shown, and nothing of it is still to come: axe-core looks at one thing after the other. */
async function isGood(visit, what) {
	await visit.drawn();
	const { violations } = await visit.page.evaluate(() => window.axe.run());
	const said = violations.flatMap(({ id, nodes }) =>
		nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
	);
	assert.deepEqual(said, [], what);
}

for (const isDark of [false, true]) {
	test(`Each view, ${isDark ? 'dark' : 'light'}`, async () => {
		const visit = await browser.open(prosody.page, { isDark });
		await visit.page.waitForSelector('.sign-in');
		await visit.page.evaluate(axe);
		await isGood(visit, 'signing in');
		await visit.signIn('admin@localhost');
		await visit.waitForText('.rows', /kitchen.*21\.5.*note.*text/s);
		await isGood(visit, 'the tree');
		await visit.openNode('kitchen');
		await visit.page.waitForSelector('.canvas canvas');
		await visit.page.waitForSelector('.history td');
		await visit.page.waitForSelector('.rights');
		await visit.page.$eval('details', (details) => {
			details.open = true;
		});
		await isGood(visit, 'a node');
		await visit.openNode('note');
		await visit.waitForText('.text', /text/);
		await visit.page.waitForSelector('.history td');
		await visit.page.waitForSelector('.rights');
		await isGood(visit, 'a text');
		for (const [view, shown] of [
			['publish', 'main.single form'],
			['clients', 'main.single tbody td'],
			['retained', 'main.single tbody td'],
		]) {
			await visit.press(`nav a[href="#${view}"]`);
			await visit.page.waitForSelector(shown);
			await isGood(visit, view);
		}
		await visit.close();
	});
}
