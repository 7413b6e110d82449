import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saslprep } from '../../../src/page/mqtt/saslprep.js';
import { Scram, passwordKey } from '../../../src/page/mqtt/scram.js';

globalThis.crypto ??= (await import('node:crypto')).webcrypto; // Node 18

const bytes = (text) => new TextEncoder().encode(text);
const text = (data) => new TextDecoder().decode(data);

// RFC 5802, section 5, and RFC 7677, section 3
const exchanges = [
	{
		mechanism: 'SCRAM-SHA-1',
		nonce: 'fyko+d2lbbFgONRv9qkxdawL',
		clientFirst: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
		serverFirst: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
		clientFinal: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
		serverFinal: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
	},
	{
		mechanism: 'SCRAM-SHA-256',
		nonce: 'rOprNGfwEbeRWgbNEkqO',
		clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
		serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
		clientFinal: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
		serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
	},
];

for (const { mechanism, nonce, clientFirst, serverFirst, clientFinal, serverFinal } of exchanges) {
	test(`${mechanism} as its RFC has it`, async () => {
		const scram = new Scram(mechanism, 'user', await passwordKey('pencil'), nonce);
		assert.equal(text(scram.first()), clientFirst);
		assert.equal(scram.isProvenBy(bytes(serverFinal)), false, 'before anything was proven');
		assert.equal(text(await scram.final(bytes(serverFirst))), clientFinal);
		assert.equal(scram.isProvenBy(bytes(serverFinal)), true);
	});
}

test('A server that does not know the password proves nothing', async () => {
	const [{ mechanism, nonce, serverFirst, serverFinal }] = exchanges;
	const scram = new Scram(mechanism, 'user', await passwordKey('pencil'), nonce);
	await scram.final(bytes(serverFirst));
	for (const wrong of ['', 'v=', serverFinal.replace('r', 's'), 'e=other-error']) assert.equal(scram.isProvenBy(bytes(wrong)), false, wrong);
});

test('A challenge that is none is refused', async () => {
	const scram = new Scram('SCRAM-SHA-256', 'user', await passwordKey('pencil'), 'ours');
	for (const challenge of ['', 'r=theirs,s=QSXCR+Q6sek8bf92,i=4096', 'r=ours,s=QSXCR+Q6sek8bf92,i=4096',
		'r=ours+,s=QSXCR+Q6sek8bf92,i=1', 'r=ours+,s=QSXCR+Q6sek8bf92,i=4000000000', 'r=ours+,s=QSXCR+Q6sek8bf92', 'e=no']) {
		await assert.rejects(scram.final(bytes(challenge)), challenge);
	}
});

test('Nonces differ, and names are escaped', async () => {
	const key = await passwordKey('pencil');
	const first = () => text(new Scram('SCRAM-SHA-1', 'a=b,c@example.org', key).first());
	assert.match(first(), /^n,,n=a=3Db=2Cc@example\.org,r=[\w+/]{24}$/);
	assert.notEqual(first(), first());
});

test('A password cannot be read back', async () => {
	const key = await passwordKey('pencil');
	assert.equal(key.extractable, false);
	await assert.rejects(crypto.subtle.exportKey('raw', key));
});

test('SASLprep, by the examples of RFC 4013', () => {
	assert.equal(saslprep('I\u00ADX'), 'IX');
	assert.equal(saslprep('user'), 'user');
	assert.equal(saslprep('USER'), 'USER');
	assert.equal(saslprep('\u00AA'), 'a');
	assert.equal(saslprep('\u2168'), 'IX');
	assert.equal(saslprep('a\u00A0b'), 'a b');
});
