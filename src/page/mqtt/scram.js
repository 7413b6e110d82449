// The client's side of SCRAM (RFC 5802, RFC 7677), by the browser's own cryptography.
import { saslprep } from './saslprep.js';

const hashes = { 'SCRAM-SHA-256': { name: 'SHA-256', bits: 256 }, 'SCRAM-SHA-1': { name: 'SHA-1', bits: 160 } };
const iterations = { least: 4096, most: 1_000_000 }; // RFC 7677, section 4; a server is not to stop the page for minutes
const noBinding = 'n,,';

const bytes = (text) => new TextEncoder().encode(text);
const base64 = (data) => btoa(String.fromCharCode(...data));
const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

async function hmac(hash, key, data) {
	const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash }, false, ['sign']);
	return new Uint8Array(await crypto.subtle.sign('HMAC', imported, data));
}

/** "r=...,s=...,i=..." as a Map. */
const attributes = (message) => new Map(message.split(',').map((part) => [part[0], part.slice(2)]));

/** What can prove to know a password for as long as the page is open, and from which no script can read it. */
export const passwordKey = (password) => (
	crypto.subtle.importKey('raw', bytes(saslprep(password)), 'PBKDF2', false, ['deriveBits'])
);

const newNonce = () => base64(crypto.getRandomValues(new Uint8Array(18)));

/** One exchange. `key` is a passwordKey(). */
export class Scram {
	#hash;
	#key;
	#nonce;
	#clientFirstBare;
	#serverSignature = null;

	constructor(mechanism, name, key, nonce = newNonce()) {
		this.#hash = hashes[mechanism];
		this.#key = key;
		this.#nonce = nonce;
		this.#clientFirstBare = `n=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
	}

	/** The client's first message. */
	first() {
		return bytes(noBinding + this.#clientFirstBare);
	}

	/** The client's final message, the answer to the server's first. Throws where that is no answer to first(). */
	async final(data) {
		const serverFirst = new TextDecoder().decode(data);
		const given = attributes(serverFirst);
		const nonce = given.get('r') ?? '';
		const count = Number(given.get('i'));
		if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) throw new Error('The nonce is not ours.');
		if (!(count >= iterations.least && count <= iterations.most)) throw new Error(`${given.get('i')} iterations?`);
		const hash = this.#hash.name;
		const salted = new Uint8Array(await crypto.subtle.deriveBits(
			{ name: 'PBKDF2', hash, salt: fromBase64(given.get('s')), iterations: count }, this.#key, this.#hash.bits));
		const withoutProof = `c=${btoa(noBinding)},r=${nonce}`;
		const authMessage = bytes(`${this.#clientFirstBare},${serverFirst},${withoutProof}`);

		const clientKey = await hmac(hash, salted, bytes('Client Key'));
		const storedKey = new Uint8Array(await crypto.subtle.digest(hash, clientKey));
		const clientSignature = await hmac(hash, storedKey, authMessage);
		const proof = clientKey.map((byte, index) => byte ^ clientSignature[index]);
		this.#serverSignature = base64(await hmac(hash, await hmac(hash, salted, bytes('Server Key')), authMessage));
		return bytes(`${withoutProof},p=${base64(proof)}`);
	}

	/** Whether the server's final message shows that it knows the password, too. */
	isProvenBy(data) {
		return this.#serverSignature !== null && new TextDecoder().decode(data) === `v=${this.#serverSignature}`;
	}
}
