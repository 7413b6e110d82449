// The page's session with the server: a connection, and when that is lost, the next one.
import { connect } from './connection.js';
import { holdWhileReceiving } from './keep_alive.js';
import { Pauses } from './pauses.js';
import { Refused, reasons } from './reasons.js';

const forGood = [reasons.badUserNameOrPassword, reasons.notAuthorized, reasons.badAuthenticationMethod];

export class Session {
	#url;
	#login;
	#handlers;
	#client = null;
	#pauses = new Pauses(1000, 30_000);
	#timer = null;
	#isOver = false;

	/**
	 * `entered` is what signIn() gives. `handlers`: connected(client) for each connection, message(packet) for each
	 * PUBLISH, lost({ why, until }) when the next attempt is at the time `until`, trying() when it begins, and
	 * ended(error) when the server lets us in no more.
	 */
	constructor(url, entered, handlers) {
		this.#url = url;
		this.#login = entered.login;
		this.#handlers = handlers;
		this.#use(entered.client);
	}

	end() {
		this.#isOver = true;
		clearTimeout(this.#timer);
		this.#client?.end();
	}

	/** Does not wait for the next attempt. */
	tryNow() {
		if (this.#timer === null) return;
		clearTimeout(this.#timer);
		this.#timer = null;
		this.#connect();
	}

	#use(client) {
		this.#client = client;
		let why = 'The connection is lost.';
		client.on('error', (error) => {
			why = error.message;
		});
		client.on('disconnect', (packet) => {
			why = packet.properties?.reasonString ?? 'The server has closed the connection.';
		});
		// Not by the event "message": its payload is a part of what the socket has read, and keeps all of that.
		client.handleMessage = (packet, done) => {
			if (!this.#isOver) this.#handlers.message(packet); // what comes before the socket is closed is for nobody
			done();
		};
		holdWhileReceiving(client);
		client.once('close', () => this.#lose(why));
		this.#handlers.connected(client);
		this.#pauses.reset();
	}

	#lose(why) {
		this.#client?.end(true);
		this.#client = null;
		if (this.#isOver) return;
		const wait = this.#pauses.next();
		this.#handlers.lost({ why, until: Date.now() + wait });
		this.#timer = setTimeout(() => this.tryNow(), wait);
	}

	async #connect() {
		this.#handlers.trying();
		try {
			const client = await connect(this.#url, this.#login);
			if (this.#isOver) client.end(true);
			else this.#use(client);
		} catch (error) {
			if (this.#isOver) return;
			if (error instanceof Refused && forGood.includes(error.reason)) {
				this.#isOver = true;
				this.#handlers.ended(error);
			} else {
				this.#lose(error.message);
			}
		}
	}
}
