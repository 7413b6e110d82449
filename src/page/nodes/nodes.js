// All nodes that the page knows, and their last values.
import { Changing } from '../changing.js';
import { PayloadBudget } from '../values/payload_budget.js';
import { Node } from './node.js';
import { Tree } from './tree.js';

export const mostNodes = 50_000;
const mostPayloadBytes = 32 * 1024 * 1024;

const keyOf = (host, name) => `${host}/${name}`;

export class Nodes {
	tree = new Tree();
	values = new Changing();
	isFull = false; // there are more nodes than the page shows
	#byKey = new Map();
	#seen = new Set(); // since the list of the server's nodes was asked for
	#payloads = new PayloadBudget(mostPayloadBytes, (node) => node.dropPayload());

	get count() {
		return this.#byKey.size;
	}

	find(host, name) {
		return this.#byKey.get(keyOf(host, name)) ?? null;
	}

	/** The node of that name, which may be new. Null: there are too many. */
	#know(host, name) {
		const key = keyOf(host, name);
		let node = this.#byKey.get(key);
		if (!node) {
			if (this.#byKey.size >= mostNodes) {
				this.isFull = true;
				return null;
			}
			node = new Node(host, name);
			this.#byKey.set(key, node);
			this.tree.add(node);
		}
		this.#seen.add(node);
		return node;
	}

	/** A message has come. Gives its node, or null. `payload` is kept, and must be of its own memory. */
	take(host, name, payload, isRetained) {
		const node = this.#know(host, name);
		if (!node) return null;
		node.take(payload, isRetained);
		this.#keep(node);
		return node;
	}

	/** The newest item that is stored, of a node of which nothing newer has come. */
	takeStored(node, { payload, at }) {
		node.take(payload, at === null, at ?? Date.now());
		this.#keep(node);
	}

	#keep(node) {
		this.#payloads.hold(node, node.size);
		this.values.changed();
	}

	/** What the server tells of a node. */
	tell(host, info) {
		const node = this.#know(host, info.node);
		if (node) node.info = info;
	}

	beginList() {
		this.#seen.clear();
		this.isFull = false;
	}

	/** What the server has not named, and of what nothing has come meanwhile, is there no more. */
	endList() {
		for (const [key, node] of this.#byKey) {
			if (this.#seen.has(node)) continue;
			this.#byKey.delete(key);
			this.#payloads.forget(node);
			this.tree.remove(node);
		}
		this.#seen.clear();
	}
}
