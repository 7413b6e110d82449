// Who is let in, and what is told to those who are not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './lib/browser.js';
import { publish, publisher } from './lib/mosquitto.js';
import { Prosody, password } from './lib/prosody.js';
import { XmppClient } from './lib/xmpp.js';

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

/** Gives what gives all that a visit's WebSockets have sent since now, as one text. */
async function watchSent(visit) {
	const session = await visit.page.createCDPSession();
	await session.send('Network.enable');
	const frames = [];
	session.on('Network.webSocketFrameSent', ({ response }) =>
		frames.push(Buffer.from(response.payloadData, 'base64').toString('latin1')),
	);
	return async () => {
		await session.send('Runtime.evaluate', { expression: '0' }); // its answer comes after the frames
		return frames.join();
	};
}

for (const account of ['alice@localhost', 'alice@sha256.localhost', 'alice@plain.localhost']) {
	test(`${account} signs in, and the password does not leave the page`, async () => {
		const visit = await browser.open(prosody.page);
		const sent = await watchSent(visit);
		await visit.signIn(account);
		assert.equal(await visit.text('.account'), account);
		assert.match(await sent(), /SCRAM-SHA-/);
		assert.doesNotMatch(await sent(), new RegExp(password));
		assert.deepEqual(visit.faults, []);
		await visit.close();
	});
}

test('A wrong password, and an account that is not there, are told in a sentence', async () => {
	const visit = await browser.open(prosody.page);
	for (const [account, secret] of [
		['alice@localhost', 'wrong'],
		['nobody@localhost', password],
	]) {
		await visit.fillIn(account, secret);
		assert.match(await visit.refusal(), /does not accept this name and password/);
	}
	await visit.signIn('alice@localhost');
	assert.deepEqual(visit.faults, []);
	await visit.close();
});

// Prosody 0.12 disables no accounts.
test('Who is in when the account is disabled, or deleted, is out, and does not come in again', async () => {
	await prosody.register('carol', 'localhost');
	const visit = await browser.open(prosody.page);
	await visit.signIn('carol@localhost');
	if (!(await prosody.disable('carol', 'localhost'))) await prosody.delete('carol', 'localhost');
	assert.match(await visit.refusal(), /no such account, or it is disabled/);
	await visit.fillIn('carol@localhost');
	assert.match(await visit.refusal(), /no such account, or it is disabled/);
	await visit.signIn('alice@localhost');
	assert.equal(await visit.text('.said'), ''); // nothing of the connection that was lost
	await visit.close();
});

test('Without SCRAM the password is sent, but over TLS only', async () => {
	const plain = await browser.open(prosody.page);
	const sent = await watchSent(plain);
	await plain.fillIn('romeo@without-scram.localhost');
	assert.match(await plain.refusal(), /not sent unencrypted/);
	assert.doesNotMatch(await sent(), new RegExp(password));
	await plain.close();

	const encrypted = await browser.open(prosody.encryptedPage);
	await encrypted.signIn('romeo@without-scram.localhost');
	await encrypted.press('header button');
	await encrypted.fillIn('romeo@without-scram.localhost', 'wrong');
	assert.match(await encrypted.refusal(), /does not accept/);
	await encrypted.close();
});

test('A server that does not know the password is found out', async () => {
	const visit = await browser.open(prosody.page);
	// As a server would that lets everybody in.
	await visit.page.evaluate(() => {
		const { sign } = SubtleCrypto.prototype;
		let count = 0;
		SubtleCrypto.prototype.sign = async function (...given) {
			const signature = await sign.apply(this, given);
			return ++count === 4 ? new ArrayBuffer(signature.byteLength) : signature; // ServerSignature
		};
	});
	await visit.fillIn('alice@localhost');
	assert.match(await visit.refusal(), /does not prove/);
	await visit.close();
});

test('Without login, where the server lets nobody in so', async () => {
	const visit = await browser.open(prosody.page);
	await visit.pressButton('Look without an account');
	assert.match(await visit.refusal(), /nobody in without an account/);
	await visit.close();
});

test('Without login, where it does', async () => {
	const open = await Prosody.start('mqtt_allow_anonymous = true');
	try {
		await publish(open, 'pubsub.localhost/any/node', 'value', { account: 'alice@localhost', retain: true });
		const visit = await browser.open(open.page);
		await visit.pressButton('Look without an account');
		await visit.waitForText('.rows', /nodevalue/);
		assert.equal(await visit.text('.account'), 'without an account');
		assert.deepEqual(visit.faults, []);
		await visit.close();
	} finally {
		await open.end();
	}
});

test('What comes for one account while it signs out is not shown to the next', async () => {
	const xmpp = await XmppClient.connect(prosody, 'admin@localhost');
	await xmpp.pubsub('set', "<create node='private'/><configure><x xmlns='jabber:x:data' type='submit'>"
		+ "<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#node_config</value></field>"
		+ "<field var='pubsub#access_model'><value>whitelist</value></field></x></configure>");
	xmpp.end();
	const visit = await browser.open(prosody.page);
	await visit.signIn('admin@localhost');
	await visit.page.evaluate(() => {
		window.seen = [];
		new MutationObserver(() => {
			if (document.querySelector('.sign-in')) window.isOut = true;
			const shown = document.getElementById('page').textContent;
			if (window.isOut && /admin|private/.test(shown)) window.seen.push(shown);
		}).observe(document.body, { childList: true, subtree: true, characterData: true });
	});
	const device = publisher(prosody, 'pubsub.localhost/any/private', { account: 'admin@localhost' });
	device.stdin.write('1\n');
	await visit.waitForText('.rows', /private1/);
	// The page is busy, its socket reads, and then somebody signs out.
	const isRead = visit.page.evaluate(() => {
		const end = performance.now() + 1000;
		while (performance.now() < end);
		document.querySelector('header button').click();
	});
	for (let count = 0; count < 1000; count++) device.stdin.write(`${count}\n`);
	await isRead;
	await visit.delayMessages();
	await visit.signIn('bob@localhost');
	assert.deepEqual(await visit.page.evaluate(() => window.seen), []);
	assert.deepEqual(visit.faults, []);
	await device.end();
	await visit.close();
});
