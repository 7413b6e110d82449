// All last values together take so many bytes: those that have been still for the longest lose their payload first, and
// keep what the tree shows of it.

export class PayloadBudget {
	#holders = new Map(); // to their bytes, in the order of their last change
	#bytes = 0;

	/** `release` is told who has to drop the payload. */
	constructor(mostBytes, release) {
		this.mostBytes = mostBytes;
		this.release = release;
	}

	get bytes() {
		return this.#bytes;
	}

	/** The holder has a payload of so many bytes now. */
	hold(holder, bytes) {
		this.forget(holder);
		this.#holders.set(holder, bytes);
		this.#bytes += bytes;
		while (this.#bytes > this.mostBytes && this.#holders.size > 1) {
			const [oldest] = this.#holders.keys();
			this.forget(oldest);
			this.release(oldest);
		}
	}

	/** The holder has none any more. */
	forget(holder) {
		this.#bytes -= this.#holders.get(holder) ?? 0;
		this.#holders.delete(holder);
	}
}
