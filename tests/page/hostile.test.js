// Nothing that a device sends does harm: not as a value, and not as a name.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { Browser } from './lib/browser.js';
import { connectDevice } from './lib/device.js';
import { Prosody } from './lib/prosody.js';
import { XmppClient } from './lib/xmpp.js';

let prosody;
let browser;
let device;
let visit;

const send = (node, payload) => device.publishAsync(`pubsub.localhost/any/${node}`, payload, { qos: 1, retain: true });

before(async () => {
	prosody = await Prosody.start();
	browser = await Browser.start();
	device = await connectDevice(prosody);
	visit = await browser.open(prosody.page);
	await visit.signIn('alice@localhost');
});

after(async () => {
	await device?.endAsync();
	await browser?.end();
	await prosody?.end();
});

/** Opens a node by its place, and gives what its view says. */
async function look(node) {
	await visit.page.evaluate((name) => {
		location.hash = `#node/pubsub.localhost/${encodeURIComponent(name)}`;
	}, node);
	await visit.until((name) => document.querySelector('article h2')?.textContent.endsWith(name), node);
	await visit.page.waitForSelector('.value-section > :nth-child(2)');
	return visit.text('.value-section');
}

async function isUnharmed() {
	assert.deepEqual(visit.faults, []);
	assert.equal(
		await visit.page.evaluate(
			() => document.querySelectorAll('#page script, #page iframe, #page svg, #page object').length,
		),
		0,
	);
	assert.equal(await visit.page.evaluate(() => window.harm), undefined);
}

const markup =
	'<script>window.harm = 1</script><img src=x onerror="window.harm = 2"><svg onload="window.harm = 3"></svg>';

test('Markup is text', async () => {
	await send('markup', markup);
	assert.ok((await look('markup')).includes(markup));
	await send('json', JSON.stringify({ [markup]: markup, __proto__: { polluted: 1 }, constructor: 1 }));
	assert.ok((await look('json')).includes('<script>'));
	assert.equal(await visit.page.evaluate(() => ({}).polluted), undefined);
	await isUnharmed();
});

test('A name that is markup is text', async () => {
	const name = 'name/<img src=x onerror="window.harm = 4">&amp;/javascript:alert(1)';
	await send(name, 'value');
	await visit.waitForText('.rows', /javascript:alert/);
	assert.match(await look(name), /value/);
	await isUnharmed();
});

test('A megabyte of text is cut until somebody asks for all of it', async () => {
	await send('large', `${'0123456789abcde '.repeat(65_536)}end`);
	assert.ok((await look('large')).length < 30_000);
	await visit.pressButton('Show all of 1.0 MiB');
	await visit.waitForText('.value-section', /end$/);
	await isUnharmed();
});

test('A megabyte without a space, of numbers, and of brackets', async () => {
	await send('long', 'x'.repeat(1_000_000));
	assert.match(await look('long'), /xxx/);
	await send('numbers', JSON.stringify(Array.from({ length: 150_000 }, (_, index) => index)));
	assert.match(await look('numbers'), /\[0,1,2/);
	await send('brackets', '['.repeat(20_000) + ']'.repeat(20_000));
	assert.match(await look('brackets'), /\[\[\[/);
	await isUnharmed();
});

test('Pictures are shown, and broken ones said to be so', async () => {
	const png = Buffer.from(
		'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
		'base64',
	);
	await send('picture', png);
	await look('picture');
	await visit.until(() => document.querySelector('.value-section img')?.naturalWidth === 1);
	assert.match(await visit.page.$eval('.value-section img', ({ src }) => src), /^blob:/);
	await send('broken', Buffer.concat([png.subarray(0, 30), deflateSync(Buffer.from('nothing'))]));
	await look('broken');
	await visit.waitForText('.value-section', /the browser cannot show it.*000000 {2}89 50/s);
	await send('drawing', '<svg xmlns="http://www.w3.org/2000/svg"><script>window.harm = 5</script></svg>');
	assert.match(await look('drawing'), /<svg xmlns/);
	await send('bytes', Buffer.from([0, 1, 2, 0xff]));
	assert.match(await look('bytes'), /000000 {2}00 01 02 ff/);
	await isUnharmed();
});

test('Names that turn the writing around, or are empty, stay in their place', async () => {
	await send('turn/\u202Egnp.exe', '1');
	await send('a//b', '2');
	await visit.waitForText('.rows', /\(no name\)/);
	assert.match(await look('a//b'), /2/);
	await isUnharmed();
});

test('A name that no topic has is refused in words, and the connection stays', async () => {
	await visit.press('nav a[href="#publish"]');
	for (const [name, why] of [
		['a+b', /Not published: .* no \+/],
		['x'.repeat(70_000), /Not published: .* too long/],
	]) {
		await visit.fill('input[name=name]', name);
		await visit.pressButton('Publish');
		await visit.waitForText('.publish .error', why);
	}
	assert.equal(await visit.page.$('.banner'), null);
	await isUnharmed();
});

test('Client identifiers, titles and filters that are markup are text', async (t) => {
	const client = await connectDevice(prosody, {
		clientId: `${markup}${'long'.repeat(25)}`,
		username: 'bob@localhost',
	});
	t.after(() => client.endAsync(true));
	const xmpp = await XmppClient.connect(prosody, 'alice@localhost');
	const escaped = markup.replaceAll('<', '&lt;').replaceAll('"', '&quot;');
	await send('titled', '1');
	await xmpp.pubsub(
		'set',
		"<configure node='titled'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>" +
			"<value>http://jabber.org/protocol/pubsub#node_config</value></field><field var='pubsub#title'>" +
			`<value>${escaped}</value></field></x></configure>`,
		'#owner',
	);
	xmpp.end();
	const administrator = await browser.open(prosody.page);
	await administrator.signIn('admin@localhost');
	await administrator.openNode('titled');
	await administrator.waitForText('.rights', /<script>window\.harm/);
	await administrator.press('nav a[href="#clients"]');
	await administrator.waitForText('main table', /<svg onload=.*bob@localhost/s);
	assert.ok(
		await administrator.page.evaluate(() => document.querySelector('main table').offsetWidth < 2 * innerWidth),
		'a long name makes no wide table',
	);
	await administrator.press('nav a[href="#retained"]');
	await administrator.fill('main input', markup);
	await administrator.waitForText('main .error', /filter/);
	assert.equal(await administrator.page.evaluate(() => window.harm), undefined);
	assert.deepEqual(administrator.faults, []);
	await administrator.close();
});
