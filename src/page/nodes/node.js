// A node of pubsub, and the last that has come of it.
import { areEqual, preview } from '../values/payload.js';

export class Node {
	payload = null; // null: nothing has come, or it was dropped to save memory
	size = 0;
	at = null; // milliseconds; null: nothing has come
	isRetained = false; // it was there before the page: when it was published is not known
	info = null; // what the server tells of it: owners, may, persists, ...
	#preview = null;

	constructor(host, name) {
		this.host = host;
		this.name = name;
	}

	take(payload, isRetained, at = Date.now()) {
		// A new connection brings again what is known, and when that came is known better.
		if (isRetained && this.payload && areEqual(this.payload, payload)) return;
		this.payload = payload;
		this.size = payload.length;
		this.at = at;
		this.isRetained = isRetained;
		this.#preview = null;
	}

	/** The payload takes memory that others need more. */
	dropPayload() {
		this.#preview = this.preview;
		this.payload = null;
	}

	/** A line of the last value, "" where there is none. */
	get preview() {
		if (this.#preview === null) this.#preview = this.payload ? preview(this.payload) : '';
		return this.#preview;
	}
}
