// What is in the plot: the numbers that somebody has chosen, and a number of the node that is open.
import { Changing } from '../changing.js';
import { Series } from './series.js';

export const mostSeries = 8;

export class Board extends Changing {
	chosen = [];
	passing = null; // of the open node; it leaves with it

	get series() {
		return this.passing ? [...this.chosen, this.passing] : this.chosen;
	}

	/** The smallest number of a colour that is free. */
	#colour() {
		const taken = new Set(this.series.map(({ colour }) => colour));
		let colour = 0;
		while (taken.has(colour)) colour++;
		return colour;
	}

	/** The open node has changed; `pointer` is where its number stands, null: it has none. */
	show(node, pointer, entries) {
		this.passing = null;
		if (pointer !== null && !this.chosen.some((series) => series.node === node)) {
			this.passing = new Series(node, pointer, this.#colour());
			this.passing.precede(entries);
		}
		this.changed();
	}

	isChosen(node, pointer) {
		return this.chosen.some((series) => series.isOf(node, pointer));
	}

	get isFull() {
		return this.chosen.length >= mostSeries;
	}

	choose(node, pointer, entries) {
		if (this.isFull || this.isChosen(node, pointer)) return;
		let series = this.passing;
		if (series?.node === node) this.passing = null;
		if (!series?.isOf(node, pointer)) {
			series = new Series(node, pointer, this.#colour());
			series.precede(entries);
		}
		this.chosen.push(series);
		this.changed();
	}

	remove(series) {
		this.chosen = this.chosen.filter((other) => other !== series);
		if (this.passing === series) this.passing = null;
		this.changed();
	}

	take(node, payload, at) {
		for (const series of this.series) {
			if (series.node !== node) continue;
			series.take(payload, at);
			this.changed();
		}
	}

	/** More of the past is known. */
	precede(node, entries) {
		for (const series of this.series) {
			if (series.node === node) series.precede(entries);
		}
		this.changed();
	}
}
