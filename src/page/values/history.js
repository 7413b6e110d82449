// What has come of one node while somebody looks at it, and before that, what the server has stored.
import { Changing } from '../changing.js';
import { areEqual } from './payload.js';
import { Ring } from './ring.js';

const most = { entries: 5000, bytes: 4 * 1024 * 1024 };

/** Entries are { at (milliseconds, or null where unknown), payload (Uint8Array), publisher, id }. */
export class History extends Changing {
	live = new Ring(most.entries, most.bytes);
	stored = []; // the newest first
	next = null; // where older ones go on at the server; null: there are none, or nobody has asked yet
	isLoading = false;
	isLoaded = false; // the newest page, at least
	error = null;
	#storedBytes = 0;

	add(payload, at) {
		this.live.push({ at, payload, publisher: null, id: null }, payload.length);
		this.changed();
	}

	/** Whether older ones may be loaded. */
	get hasMore() {
		return this.next !== null && this.stored.length < most.entries && this.#storedBytes < most.bytes;
	}

	/** Asks for the next page: `ask(after)` gives { items, next }. */
	async load(ask) {
		if (this.isLoading) return;
		this.isLoading = true;
		this.error = null;
		this.changed();
		try {
			const { items, next } = await ask(this.next ?? undefined);
			if (this.stored.length === 0) this.#leaveOutWhatCameLive(items);
			for (const item of items) this.#storedBytes += item.payload.length;
			this.stored.push(...items);
			this.next = next ?? null;
			this.isLoaded = true;
		} catch (error) {
			this.error = error;
		}
		this.isLoading = false;
		this.changed();
	}

	/** What came live since somebody looks may be among the newest that are stored. */
	#leaveOutWhatCameLive(items) {
		const came = this.live.size;
		for (const { payload } of this.live.newest(came)) {
			const place = items.slice(0, came).findIndex((item) => areEqual(item.payload, payload));
			if (place >= 0) items.splice(place, 1);
		}
	}

	/** All of it, the newest first. */
	newest(count) {
		const live = this.live.newest(count);
		return live.concat(this.stored.slice(0, count - live.length));
	}

	/** All of it, the oldest first. */
	*[Symbol.iterator]() {
		for (let place = this.stored.length - 1; place >= 0; place--) yield this.stored[place];
		yield* this.live;
	}
}
