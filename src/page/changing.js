// Something that changes, and tells those who look at it, at most once a frame of the screen.

const pending = new Set();
let isScheduled = false;

function tellAll() {
	isScheduled = false;
	const changed = [...pending];
	pending.clear();
	for (const thing of changed) thing.tell();
}

export class Changing {
	#watchers = new Set();
	version = 0;

	changed() {
		this.version++;
		pending.add(this);
		if (isScheduled) return;
		isScheduled = true;
		requestAnimationFrame(tellAll);
	}

	/** Calls back from now on; returns what ends that. */
	watch(callback) {
		this.#watchers.add(callback);
		return () => this.#watchers.delete(callback);
	}

	tell() {
		for (const callback of [...this.#watchers]) callback();
	}
}
