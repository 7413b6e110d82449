// What somebody sees and does who is signed in.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './lib/browser.js';
import { publish, publisher, subscriber } from './lib/mosquitto.js';
import { Prosody } from './lib/prosody.js';
import { XmppClient } from './lib/xmpp.js';

let prosody;
let browser;
let alice;

const any = (node) => `pubsub.localhost/any/${node}`;

before(async () => {
	prosody = await Prosody.start('mqtt_node_defaults = { max_items = 200, persist_items = true }');
	browser = await Browser.start();
	alice = await browser.open(prosody.page);
	await alice.signIn('alice@localhost');
});

after(async () => {
	await browser?.end();
	await prosody?.end();
	assert.deepEqual(alice?.faults ?? [], []);
});

/** The milliseconds until the page shows what is published, from writing it to mosquitto_pub. */
async function timeToSee(device, value) {
	const seen = alice.page.evaluate(
		(text) =>
			new Promise((resolve) => {
				const look = () => {
					if ([...document.querySelectorAll('.row .value')].some(({ textContent }) => textContent === text))
						resolve(Date.now());
					else requestAnimationFrame(look);
				};
				look();
			}),
		value,
	);
	await alice.page.evaluate(() => {}); // it looks now
	const sent = Date.now();
	device.stdin.write(`${value}\n`);
	return (await seen) - sent;
}

test('A value changes in the tree when it was published', async (t) => {
	await publish(prosody, any('home/kitchen'), '20', { retain: true });
	await alice.waitForText('.row .value', /^20$/m);
	const device = publisher(prosody, any('home/kitchen'));
	const times = [];
	await timeToSee(device, 'on'); // connected
	for (let value = 1; value <= 10; value++) times.push(await timeToSee(device, `${20 + value / 10}`));
	await device.end();
	times.sort((one, other) => one - other);
	t.diagnostic(`seen after ${times[5]} ms (median of 10), at most ${times[9]} ms`);
});

test('A plot of 100 values, of which 50 were stored before', async () => {
	const device = publisher(prosody, any('home/meter'));
	for (let value = 1; value <= 50; value++) device.stdin.write(`${value}\n`);
	await alice.waitForText('.row .value', /^50$/m);
	await alice.openNode('meter');
	await alice.page.waitForSelector('.canvas[aria-label*=": 50 numbers from 1 to 50"]');
	for (let value = 51; value <= 100; value++) device.stdin.write(`${value}\n`);
	await alice.page.waitForSelector('.canvas[aria-label*=": 100 numbers from 1 to 100, the last one 100."]');
	await device.end();
	await alice.until(() => {
		const canvas = document.querySelector('.canvas canvas');
		const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
		return data.filter((_, index) => index % 4 === 3 && data[index] > 0).length > 1000;
	});
	await alice.waitForText('.history', /100.*99.*98/s); // drawn after the plot
});

test('What comes after a view is drawn, and before it watches, is drawn', async () => {
	const visit = await browser.open(prosody.page);
	await visit.delayMessages();
	await visit.signIn('alice@localhost');
	const xmpp = await XmppClient.connect(prosody, 'admin@localhost');
	await xmpp.pubsub('set', "<create node='new/node'/>");
	xmpp.end();
	await visit.page.evaluate(() => {
		// Preact has a view watch by a setTimeout() without a time, after the next frame.
		const { setTimeout } = window;
		window.setTimeout = (call, time, ...more) => setTimeout(call, time ?? 1000, ...more);
		location.hash = '#node/pubsub.localhost/new%2Fnode';
	});
	await visit.waitForText('.history', /None yet/);
	assert.deepEqual(visit.faults, []);
	await visit.close();
});

test('Numbers inside JSON go into the plot by a click, and stay there beside those of other nodes', async () => {
	await publish(prosody, any('home/sensor'), '{"t":1.50,"more":{"humidity":40}}', { retain: true });
	await alice.openNode('sensor');
	await alice.waitForText('.json', /"t": 1\.50,/);
	await alice.pressButton('40');
	await publish(prosody, any('home/sensor'), '{"t":1.60,"more":{"humidity":41}}', { retain: true });
	await alice.waitForText('.legend', /home\/sensor more › humidity41/);
	await alice.openNode('meter');
	await alice.waitForText('.legend', /humidity.*home\/meter/s);
	await alice.pressButton('Remove');
	await alice.until(() => document.querySelectorAll('.legend li').length === 1);
});

test('Who owns a node, and what may be done with it', async () => {
	await alice.openNode('meter');
	await alice.waitForText('.rights', /Owneralice@localhost.*You mayread, publish/s);
	const bob = await browser.open(`${prosody.page}#node/pubsub.localhost/home%2Fmeter`);
	await bob.signIn('bob@localhost');
	await bob.waitForText('.rights', /Owneralice@localhost.*You mayread/s);
	assert.doesNotMatch(await bob.text('.rights'), /publish/);
	assert.equal(await bob.page.$('nav a[href="#clients"]'), null);
	await bob.close();
});

test('What is published in the page is seen by mosquitto_sub and by an XMPP client', async () => {
	const xmpp = await XmppClient.connect(prosody, 'bob@localhost');
	await publish(prosody, any('home/lamp'), 'off');
	await xmpp.pubsub('set', "<subscribe node='home/lamp' jid='bob@localhost'/>");
	const device = await subscriber(prosody, 'pubsub.localhost/json/home/lamp', { account: 'bob@localhost' });

	await alice.openNode('lamp');
	await alice.page.$eval('details', (details) => {
		details.open = true;
	});
	await alice.page.select('select[name=type]', 'json');
	await alice.fill('textarea', '{"state":"on"}');
	await alice.press('form .main');
	await device.waitFor(/pubsub\.localhost\/json\/home\/lamp \{"state":"on"\}/);
	await xmpp.waitFor(
		/<item [^>]*publisher='alice@localhost[^>]*><json xmlns='urn:xmpp:json:0'>\{("|&quot;)state\1:\1on\1\}<\/json>/,
	);
	await alice.waitForText('.publish .done', /Published/);

	await alice.fill('textarea', '{"state":');
	await alice.press('form .main');
	await alice.waitForText('.publish .error', /Not published/);
	await device.end();
	xmpp.end();
});

test('Retained messages are set and cleared', async () => {
	await alice.openNode('lamp');
	await alice.page.$eval('details', (details) => {
		details.open = true;
	});
	await alice.page.select('select[name=type]', 'any');
	await alice.fill('textarea', 'dim');
	await alice.press('input[name=retain]');
	await alice.press('form .main');
	await alice.waitForText('.publish .done', /Published/);
	const device = await subscriber(prosody, any('home/lamp'));
	await device.waitFor(/lamp dim/);
	await alice.pressButton('Clear what is retained');
	await alice.waitForText('.publish .done', /cleared/);
	await device.waitFor(/lamp \(null\)/);
	await device.end();
	const later = await subscriber(prosody, any('home/#'));
	await later.waitFor(/kitchen/);
	assert.doesNotMatch(later.output, /lamp dim/);
	await later.end();
});

test('Nothing is shown that the account may not read', async () => {
	await publish(prosody, any('private/diary'), 'dear-diary', { account: 'bob@localhost', retain: true });
	const xmpp = await XmppClient.connect(prosody, 'bob@localhost');
	await xmpp.pubsub(
		'set',
		"<configure node='private/diary'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>" +
			"<value>http://jabber.org/protocol/pubsub#node_config</value></field><field var='pubsub#access_model'>" +
			'<value>whitelist</value>' +
			'</field></x></configure>',
		'#owner',
	);
	xmpp.end();

	const owner = await browser.open(prosody.page);
	await owner.signIn('bob@localhost');
	await owner.waitForText('.rows', /diary.*dear-diary/s);
	await owner.close();

	const other = await browser.open(prosody.page);
	await other.signIn('alice@localhost');
	await publish(prosody, any('private/diary'), 'dear-diary, again', { account: 'bob@localhost', retain: true });
	await publish(prosody, any('home/mark'), 'later', { retain: true });
	await other.waitForText('.rows', /later/);
	await other.page.goto(`${prosody.page}#node/pubsub.localhost/private%2Fdiary`);
	await other.waitForText('article .error', /no such node, or you may not see it/);
	assert.doesNotMatch(await other.page.evaluate(() => document.documentElement.outerHTML), /dear-diary/);
	assert.deepEqual(other.faults, []);
	await other.close();
});

test('The filter, and the tree by keyboard', async () => {
	const visit = await browser.open(prosody.page);
	await visit.signIn('alice@localhost');
	await visit.fill('input[type=search]', 'METER');
	await visit.until(() => document.querySelectorAll('[role=treeitem]').length === 3);
	await visit.fill('input[type=search]', '');
	await visit.until(() => document.querySelectorAll('[role=treeitem]').length > 3);
	await visit.page.focus('[role=tree]');
	const active = () =>
		visit.page.evaluate(() => {
			const row = document.getElementById(
				document.querySelector('[role=tree]').getAttribute('aria-activedescendant'),
			);
			return [
				row.getAttribute('aria-level'),
				row.querySelector('.name').textContent,
				row.getAttribute('aria-expanded'),
			].join(' ');
		});
	const press = async (...keys) => {
		for (const key of keys) await visit.page.keyboard.press(key);
		await visit.drawn();
	};
	await press('Home');
	assert.equal(await active(), '1 pubsub.localhost true');
	await press('ArrowRight');
	assert.equal(await active(), '2 home true');
	await press('ArrowLeft');
	assert.equal(await active(), '2 home false');
	await press('ArrowRight', 'ArrowRight', 'ArrowDown');
	assert.equal(await active(), '3 lamp ');
	await press('m');
	assert.match(await active(), /^3 m/);
	await press('Home', 'k', 'Enter');
	await visit.waitForText('article h2', /home\/kitchen/);
	await press('ArrowLeft');
	assert.equal(await active(), '2 home true');
	assert.deepEqual(visit.faults, []);
	await visit.close();
});

test('The command for a terminal', async () => {
	await alice.openNode('meter');
	const command = await alice.page.$eval('.copy code', ({ textContent }) => textContent);
	assert.equal(
		command,
		`mosquitto_sub -V 5 -h localhost -p ${prosody.ports.mqtt} -u alice@localhost -P PASSWORD -v ` +
			'-t pubsub.localhost/any/home/meter',
	);
});

test('On a phone the tree and the node are one after the other', async () => {
	const visit = await browser.open(prosody.page, { width: 390, height: 800 });
	await visit.signIn('alice@localhost');
	await visit.openNode('kitchen');
	assert.equal(await visit.page.$eval('.tree', (element) => getComputedStyle(element).display), 'none');
	assert.ok(
		await visit.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
		'nothing is beyond the edge',
	);
	await visit.press('.back');
	await visit.page.waitForSelector('.tree', { visible: true });
	assert.deepEqual(visit.faults, []);
	await visit.close();
});
