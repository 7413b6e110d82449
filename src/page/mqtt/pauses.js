// Pauses between attempts, each twice as long as the one before, up to a longest.

/** Between half of it and all, so that pages that were cut off together do not come back together. */
const about = (milliseconds) => milliseconds * (0.5 + Math.random() / 2);

export class Pauses {
	#first;
	#longest;
	#next;

	/** In milliseconds. */
	constructor(first, longest) {
		this.#first = this.#next = first;
		this.#longest = longest;
	}

	/** How long to wait now, in milliseconds. */
	next() {
		const pause = about(this.#next);
		this.#next = Math.min(2 * this.#next, this.#longest);
		return pause;
	}

	/** An attempt has succeeded. */
	reset() {
		this.#next = this.#first;
	}
}
