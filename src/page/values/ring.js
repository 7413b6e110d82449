// The last of what has come: so many entries, and so many bytes of them, whatever comes.

export class Ring {
	#entries = [];
	#first = 0; // the oldest one's place
	#bytes = 0;

	constructor(mostEntries, mostBytes = Infinity) {
		this.mostEntries = mostEntries;
		this.mostBytes = mostBytes;
	}

	get size() {
		return this.#entries.length - this.#first;
	}

	push(entry, bytes = 0) {
		this.#entries.push({ entry, bytes });
		this.#bytes += bytes;
		while (this.size > this.mostEntries || (this.#bytes > this.mostBytes && this.size > 1)) this.#dropOldest();
		if (this.#first > this.mostEntries) {
			this.#entries.splice(0, this.#first);
			this.#first = 0;
		}
	}

	#dropOldest() {
		this.#bytes -= this.#entries[this.#first].bytes;
		this.#entries[this.#first++] = null;
	}

	/** The newest `count`, the newest first. */
	newest(count = this.size) {
		const found = [];
		for (let place = this.#entries.length - 1; place >= this.#first && found.length < count; place--) {
			found.push(this.#entries[place].entry);
		}
		return found;
	}

	/** From the oldest to the newest. */
	*[Symbol.iterator]() {
		for (let place = this.#first; place < this.#entries.length; place++) yield this.#entries[place].entry;
	}
}
