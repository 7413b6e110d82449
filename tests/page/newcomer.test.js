// Somebody who has never seen the page finds the way: what is empty says what to do, and nothing is cut
// off, on a phone neither.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './lib/browser.js';
import { publish, publisher, subscriber } from './lib/mosquitto.js';
import { Prosody } from './lib/prosody.js';

let prosody;
let browser;

const any = (node) => `pubsub.localhost/any/${node}`;

before(async () => {
	prosody = await Prosody.start('mqtt_node_defaults = { max_items = 200, persist_items = true }');
	browser = await Browser.start();
});

after(async () => {
	await browser?.end();
	await prosody?.end();
});

test('Where there is no node the page leads to the first one', async () => {
	const visit = await browser.open(prosody.page);
	await visit.signIn('alice@localhost');
	await visit.waitForText('main .hint', /no node yet/);
	await visit.press('main .hint a');
	await visit.fill('input[name=name]', 'house/first');
	await visit.fill('textarea', '21.5');
	await visit.pressButton('Publish');
	await visit.press('.publish .done a');
	await visit.waitForText('article h2', /house\/first/);
	await visit.waitForText('.value-section .big', /^21\.5$/);
	await visit.page.waitForSelector('.canvas');
	assert.deepEqual(visit.faults, []);
	await visit.close();
});

test('The plot tells the value where the mouse is, and has room for long numbers', async () => {
	const device = publisher(prosody, any('house/counter'));
	const visit = await browser.open(prosody.page);
	await visit.signIn('alice@localhost');
	for (const value of [123_456_700.25, 123_456_701.5, 123_456_702.75]) device.stdin.write(`${value}\n`);
	await visit.waitForText('.row .value', /123456702\.75/);
	await visit.openNode('counter');
	await visit.page.waitForSelector('.canvas[aria-label*=": 3 numbers"]');
	await visit.waitForText('.legend .last', /^123456702\.75$/);
	await visit.until(() => {
		const [edge, over] = ['.canvas', '.u-over'].map((part) => document.querySelector(part)?.getBoundingClientRect());
		return over?.left - edge?.left > 80;
	});
	const { left, top, height } = await visit.page.$eval('.u-over', (over) => over.getBoundingClientRect().toJSON());
	await visit.page.mouse.move(left + 1, top + height / 2);
	await visit.waitForText('.legend .last', /^123456700\.25$/);
	await visit.waitForText('.plot .cursor', /\d\d:\d\d:\d\d/);
	await visit.page.mouse.move(0, 0);
	await visit.waitForText('.legend .last', /^123456702\.75$/);
	await device.end();
	assert.deepEqual(visit.faults, []);
	await visit.close();
});

test('The number that is in the plot is marked, and another takes its place by a click', async () => {
	await publish(prosody, any('house/weather'), '{"t":1.5,"h":40}', { retain: true });
	const visit = await browser.open(prosody.page);
	await visit.signIn('alice@localhost');
	await visit.openNode('weather');
	const marked = () =>
		visit.page.$$eval('.json .number[class*=series-]', (buttons) => buttons.map(({ textContent }) => textContent));
	await visit.page.waitForSelector('.json .number[class*=series-]');
	assert.deepEqual(await marked(), ['1.5']);
	await visit.pressButton('40');
	await visit.page.waitForSelector('.json .number[aria-pressed=true]');
	assert.deepEqual(await marked(), ['40']);
	await visit.close();
});

test('Administrators find a client while they type, and are told where there is none', async () => {
	const device = await subscriber(prosody, any('#'), { account: 'bob@localhost' });
	const visit = await browser.open(prosody.page);
	await visit.signIn('admin@localhost');
	await visit.press('nav a[href="#clients"]');
	await visit.waitForText('main table', /bob@localhost/);
	await visit.page.type('main input', 'bob@');
	await visit.until(() => !/admin@localhost/.test(document.querySelector('main table').textContent));
	await visit.waitForText('main table', /bob@localhost/);
	await visit.page.type('main input', 'nobody');
	await visit.waitForText('main .hint', /No client has that/);
	await visit.press('nav a[href="#retained"]');
	await visit.fill('main input[aria-label^="Filter"]', 'pubsub.localhost/any/nothing/#');
	await visit.waitForText('main .hint', /Nothing is retained there/);
	await device.end();
	assert.deepEqual(visit.faults, []);
	await visit.close();
});

test('On a phone nothing is beyond the edge, and the keyboard is where the eyes are', async () => {
	await publish(prosody, any(`long/${'abcdefgh'.repeat(30)}`), `{"text":"${'x'.repeat(300)}"}`, { retain: true });
	const visit = await browser.open(prosody.page, { width: 390, height: 844 });
	await visit.signIn('admin@localhost');
	const isWithin = (what) =>
		visit.page.evaluate((name) => {
			const out = [...document.querySelectorAll('main *')]
				.filter((element) => !element.closest('pre, .scroll') && element.getClientRects().length > 0)
				.filter((element) => element.getBoundingClientRect().right > innerWidth + 1);
			return out.map((element) => `${name}: ${element.outerHTML.slice(0, 100)}`);
		}, what);
	await visit.openNode('weather');
	await visit.waitForText('.history td', /40/);
	assert.deepEqual(await isWithin('a node'), []);
	await visit.until(() => document.activeElement.id === 'node-name');
	await visit.page.evaluate((name) => {
		location.hash = `#node/pubsub.localhost/${encodeURIComponent(name)}`;
	}, `long/${'abcdefgh'.repeat(30)}`);
	await visit.waitForText('article h2', /abcdefgh/);
	await visit.waitForText('.history td', /xxx/);
	assert.deepEqual(await isWithin('a long name'), []);
	for (const [view, shown] of [
		['clients', 'main td button'],
		['retained', 'main td a'],
		['publish', 'main form'],
	]) {
		await visit.press(`nav a[href="#${view}"]`);
		await visit.page.waitForSelector(shown);
		assert.deepEqual(await isWithin(view), []);
	}
	assert.deepEqual(visit.faults, []);
	await visit.close();
});
