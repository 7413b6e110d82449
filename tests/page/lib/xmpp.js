// An XMPP client, as much of one as a test of pubsub needs (RFC 6120, XEP-0060).
import { connect } from 'node:net';
import { patience } from './patience.js';
import { password } from './prosody.js';

export class XmppClient {
	#socket;
	#text = '';
	#listeners = new Set();
	#id = 0;

	static async connect(prosody, account) {
		const client = new XmppClient();
		client.#socket = connect(prosody.ports.xmpp, '127.0.0.1').setEncoding('utf8');
		client.#socket.on('data', (text) => {
			client.#text += text;
			for (const listen of [...client.#listeners]) listen();
		});
		const [name, host] = account.split('@');
		const stream =
			`<stream:stream to='${host}' version='1.0' xmlns='jabber:client' ` +
			"xmlns:stream='http://etherx.jabber.org/streams'>";
		const plain = Buffer.from(`\0${name}\0${password}`).toString('base64');
		await client.#exchange(stream, /<\/stream:features>/);
		await client.#exchange(
			`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`,
			/<success/,
		);
		await client.#exchange(stream, /<\/stream:features>/);
		await client.ask('set', null, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
		client.#socket.write('<presence/>');
		return client;
	}

	/** Sends, and waits for what matches from then on. */
	#exchange(text, pattern) {
		const from = this.#text.length;
		this.#socket.write(text);
		return this.waitFor(pattern, from);
	}

	waitFor(pattern, from = 0) {
		return new Promise((resolve, reject) => {
			const look = () => {
				const match = this.#text.slice(from).match(pattern);
				if (!match) return;
				clearTimeout(timer);
				this.#listeners.delete(look);
				resolve(match);
			};
			const timer = setTimeout(
				() => reject(new Error(`${pattern} does not come: ${this.#text.slice(from)}`)),
				patience,
			);
			this.#listeners.add(look);
			look();
		});
	}

	/** An <iq/>, whose answer must be a result. */
	async ask(type, to, content) {
		const id = `page-${++this.#id}`;
		const [answer] = await this.#exchange(
			`<iq id='${id}' type='${type}'${to ? ` to='${to}'` : ''}>${content}</iq>`,
			new RegExp(`<iq[^>]*id='${id}'[^>]*>`),
		);
		if (!answer.includes("type='result'")) throw new Error(this.#text.slice(-1000));
	}

	pubsub(type, content, owner = '') {
		return this.ask(
			type,
			'pubsub.localhost',
			`<pubsub xmlns='http://jabber.org/protocol/pubsub${owner}'>${content}</pubsub>`,
		);
	}

	end() {
		this.#socket.end('</stream:stream>');
	}
}
