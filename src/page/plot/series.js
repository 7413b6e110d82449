// Numbers of a node over time: the node's value, or a number inside it.
import { jsonOf, textOf } from '../values/payload.js';
import { numberAt } from '../values/json_pointer.js';

const most = 5000;

export class Series {
	times = []; // seconds, as uPlot wants them
	values = [];

	/** `pointer` says where in the value the number stands. */
	constructor(node, pointer, colour) {
		this.node = node;
		this.pointer = pointer;
		this.colour = colour;
	}

	isOf(node, pointer) {
		return this.node === node && this.pointer === pointer;
	}

	get label() {
		return this.pointer ? `${this.node.name} ${this.pointer.slice(1).replaceAll('/', ' › ')}` : this.node.name;
	}

	get last() {
		return this.values.at(-1) ?? null;
	}

	/** The last one until then (seconds), or null. */
	valueAt(time) {
		let low = 0;
		let high = this.times.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.times[middle] <= time) low = middle + 1;
			else high = middle;
		}
		return this.values[low - 1] ?? null;
	}

	#numberIn(payload) {
		const text = textOf(payload);
		return text === null ? null : numberAt(jsonOf(text), this.pointer);
	}

	/** What has come now. */
	take(payload, at) {
		const value = this.#numberIn(payload);
		if (value === null) return;
		this.times.push(Math.max(at / 1000, this.times.at(-1) ?? 0)); // a clock may be set back, a plot's axis not
		this.values.push(value);
		if (this.times.length > most * 1.2) this.#keepNewest();
	}

	/** What was before: entries of a History, the oldest first. */
	precede(entries) {
		const first = this.times[0] ?? Infinity;
		const times = [];
		const values = [];
		for (const { at, payload } of entries) {
			const value = at === null ? null : this.#numberIn(payload);
			if (value === null || at / 1000 >= first || at / 1000 < (times.at(-1) ?? 0)) continue;
			times.push(at / 1000);
			values.push(value);
		}
		spread(times, first);
		this.times = times.concat(this.times);
		this.values = values.concat(this.values);
		this.#keepNewest();
	}

	#keepNewest() {
		this.times = this.times.slice(-most);
		this.values = this.values.slice(-most);
	}
}

/** Prosody stores whole seconds: what came in the same one stands side by side in it, in its order, before `end`. */
function spread(times, end) {
	for (let first = 0, next; first < times.length; first = next) {
		const time = times[first];
		next = first + 1;
		while (times[next] === time) next++;
		const length = Math.min(1, (times[next] ?? end) - time);
		for (let place = first; place < next; place++) times[place] = time + (length * (place - first)) / (next - first);
	}
}
