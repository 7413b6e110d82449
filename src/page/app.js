// The page between sign-in and sign-out: what it knows, and what it does for whoever uses it. The views show it.
import { Changing } from './changing.js';
import { enterWithoutLogin, signIn } from './mqtt/sign_in.js';
import { Pauses } from './mqtt/pauses.js';
import { Requests } from './mqtt/requests.js';
import { Session } from './mqtt/session.js';
import { faultOf, partsOf, topicOf } from './mqtt/topics.js';
import { Nodes } from './nodes/nodes.js';
import { askAccount, askItems, askNode, askNodes } from './nodes/server.js';
import { Board } from './plot/board.js';
import { firstNumber } from './values/json_pointer.js';
import { History } from './values/history.js';
import { jsonOf, textOf } from './values/payload.js';

const url = () => {
	const address = new URL('mqtt', document.baseURI);
	address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
	address.search = '';
	address.hash = '';
	return address.href;
};

const numberIn = (payload) => {
	const text = payload && textOf(payload);
	return text ? firstNumber(jsonOf(text)) : null;
};

const hidden = ['item-not-found', 'forbidden']; // what is told of a node that is not there, or not for us

export class App extends Changing {
	phase = 'out'; // 'out', 'entering', 'in'
	error = null; // why nobody is signed in
	link = { kind: 'connected' }; // or { kind: 'lost', why, until }, { kind: 'trying' }
	account = null; // null: without login
	isAdministrator = false;
	hosts = [];
	nodes = new Nodes();
	board = new Board();
	opened = null; // { node, history }, the node that is looked at
	fault = null; // why the nodes could not be listed; they are asked for again
	said = ''; // for screen readers
	requests = null;
	#session = null;
	#client = null;
	#subscribed = new Set(); // hosts, on this connection
	#listing = null; // the requests with which the nodes are listed
	#listPauses = new Pauses(1000, 60_000); // where that has failed
	#listTimer = null;

	constructor() {
		super();
		addEventListener('online', () => this.tryNow());
		document.addEventListener('visibilitychange', () => {
			if (document.visibilityState === 'visible') this.tryNow();
		});
	}

	/** With a name and a password, or without both. */
	async enter(name, password) {
		this.phase = 'entering';
		this.error = null;
		this.changed();
		try {
			const entered = name ? await signIn(url(), name, password) : await enterWithoutLogin(url());
			this.phase = 'in';
			this.account = entered.login?.name ?? null; // the server tells how it writes the name
			this.link = { kind: 'connected' };
			this.said = '';
			this.#session = new Session(url(), entered, {
				connected: (client) => this.#connected(client),
				message: (packet) => this.#message(packet),
				lost: (link) => this.#lost(link),
				trying: () => this.#setLink({ kind: 'trying' }),
				ended: (error) => this.leave(error.message),
			});
		} catch (error) {
			this.phase = 'out';
			this.error = error.message;
		}
		this.changed();
	}

	/** Signs out. */
	leave(why = null) {
		this.#session?.end();
		this.#session = null;
		this.#client = null;
		this.requests = null;
		clearTimeout(this.#listTimer);
		this.nodes = new Nodes();
		this.board = new Board();
		this.opened = null;
		this.fault = null;
		this.hosts = [];
		this.isAdministrator = false;
		this.phase = 'out';
		this.error = why;
		this.changed();
	}

	tryNow() {
		this.#session?.tryNow();
	}

	/** Has a screen reader say it. */
	say(text) {
		this.said = text;
		this.changed();
	}

	#setLink(link) {
		this.link = link;
		this.changed();
	}

	#lost(link) {
		this.requests = null;
		this.#client = null;
		if (this.link.kind !== 'lost' && this.link.kind !== 'trying')
			this.say('The connection is lost. The page tries again.');
		this.#setLink({ kind: 'lost', ...link });
	}

	async #connected(client) {
		if (this.link.kind !== 'connected') this.say('Connected again.');
		this.#client = client;
		this.#subscribed.clear();
		this.#listPauses.reset();
		this.requests = new Requests(client, () => this.changed());
		this.#setLink({ kind: 'connected' });
		await this.list();
		if (this.opened) await this.#ask(this.opened);
	}

	/** With this connection: one that is lost, or another account's, holds up nothing. */
	get isListing() {
		return this.requests !== null && this.#listing === this.requests;
	}

	/** Asks which nodes there are, and has the server send what is published to them. */
	async list() {
		const { requests } = this;
		const client = this.#client;
		if (!requests || this.isListing) return;
		this.#listing = requests;
		clearTimeout(this.#listTimer);
		this.fault = null;
		this.changed();
		try {
			const { account, administrator, hosts } = await askAccount(requests);
			Object.assign(this, { account, hosts, isAdministrator: administrator });
			this.nodes.beginList();
			for (const { host } of hosts) {
				this.nodes.tree.addHost(host);
				await this.#subscribe(client, host);
				for await (const infos of askNodes(requests, host)) {
					for (const info of infos) this.nodes.tell(host, info);
					if (this.nodes.isFull) break;
				}
			}
			this.nodes.endList();
			this.#listPauses.reset();
		} catch (error) {
			if (requests === this.requests) this.#listLater(error.message);
		}
		if (this.#listing === requests) this.#listing = null;
		this.changed();
	}

	#listLater(fault) {
		this.fault = fault;
		this.#listTimer = setTimeout(() => this.list(), this.#listPauses.next());
	}

	/** Once: each SUBSCRIBE brings all that is retained. */
	async #subscribe(client, host) {
		if (this.#subscribed.has(host)) return;
		await client.subscribeAsync(topicOf(host, 'any', '#'), { qos: 0 });
		this.#subscribed.add(host);
	}

	#message(packet) {
		if (this.requests?.take(packet)) return;
		const { host, node: name } = partsOf(packet.topic);
		const payload = new Uint8Array(packet.payload); // a copy: what MQTT.js gives is a part of something larger
		const node = this.nodes.take(host, name, payload, packet.retain);
		if (!node || packet.retain) return;
		this.board.take(node, payload, node.at);
		if (this.opened?.node === node) this.opened.history.add(payload, node.at);
	}

	/** Looks at a node, which may be none that the page knows yet; null: at none. */
	open(host, name) {
		if (this.opened?.host === host && this.opened?.name === name) return;
		if (host === null) {
			this.opened = null;
			this.board.show(null, null, []);
		} else {
			this.opened = { host, name, node: this.nodes.find(host, name), history: new History(), isKnown: null };
			this.#show();
			this.#ask(this.opened);
		}
		this.changed();
	}

	/** Puts the number of the open node into the plot. */
	#show() {
		const { node, history } = this.opened;
		const pointer = numberIn(node?.payload ?? history.newest(1)[0]?.payload);
		this.board.show(node, node ? pointer : null, history);
	}

	async #ask(opened) {
		const { requests } = this;
		if (!requests) return;
		try {
			const info = await askNode(requests, opened.host, opened.name);
			opened.isKnown = info !== null;
			if (info) this.nodes.tell(opened.host, info);
		} catch (error) {
			if (hidden.includes(error.condition)) opened.isKnown = false;
		}
		opened.node = this.nodes.find(opened.host, opened.name);
		this.changed();
		if (opened.node && opened.history.stored.length === 0) await this.loadStored(opened);
	}

	/** Loads stored items of the open node, the next older ones. */
	async loadStored(opened = this.opened) {
		const { requests } = this;
		if (!requests) return;
		const { node, history } = opened;
		await history.load((after) => askItems(requests, node, after));
		if (this.opened !== opened) return;
		const [newest] = history.stored;
		if (newest && !newest.withheld && history.live.size === 0) this.nodes.takeStored(node, newest);
		if (this.board.series.some(({ node }) => node === opened.node)) this.board.precede(opened.node, opened.history);
		else this.#show();
	}

	/** Publishes at QoS 1. Fails with the server's reason where it refuses. */
	publish(host, type, name, payload, retain) {
		return new Promise((resolve, reject) => {
			if (!this.#client) {
				reject(new Error('There is no connection.'));
				return;
			}
			const topic = topicOf(host, type, name);
			const fault = faultOf(topic);
			if (fault) {
				reject(new Error(fault));
				return;
			}
			this.#client.publish(topic, payload, { qos: 1, retain }, (error, packet) => {
				if (error) reject(new Error(packet?.properties?.reasonString ?? error.message));
				else resolve();
			});
		});
	}
}
