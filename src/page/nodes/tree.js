// The names of nodes as a tree, by their slashes: which rows are to be seen.
import { Changing } from '../changing.js';

const order = new Intl.Collator(undefined, { numeric: true });
const openByItself = 25; // a branch of no more nodes than these is open until somebody closes it

let lastId = 0;

class Branch {
	id = ++lastId;
	node = null;
	children = new Map(); // by label
	sorted = null;
	count = 0; // of nodes, here and below
	isOpen = null; // null: nobody has said

	constructor(label, parent) {
		this.label = label;
		this.parent = parent;
		this.depth = parent ? parent.depth + 1 : 0;
	}

	child(label) {
		let child = this.children.get(label);
		if (!child) {
			child = new Branch(label, this);
			this.children.set(label, child);
			this.sorted = null;
		}
		return child;
	}

	inOrder() {
		this.sorted ??= [...this.children.values()].sort((one, other) => order.compare(one.label, other.label));
		return this.sorted;
	}
}

export class Tree extends Changing {
	#root = new Branch('', null);
	#filter = ''; // as somebody has typed it
	#sought = '';
	#rows = null;

	constructor() {
		super();
		this.#root.depth = 0;
	}

	/** Hosts are there without nodes, too. */
	addHost(host) {
		this.#root.child(host);
		this.#renew();
	}

	/** Names are split at each slash, so that "a", "/a" and "a//" stand in different places. */
	#branchOf(node) {
		return node.name.split('/').reduce((branch, label) => branch.child(label), this.#root.child(node.host));
	}

	add(node) {
		const end = this.#branchOf(node);
		end.node = node;
		for (let branch = end; branch; branch = branch.parent) branch.count++;
		this.#renew();
	}

	remove(node) {
		const end = this.#branchOf(node);
		end.node = null;
		for (let branch = end; branch; branch = branch.parent) {
			branch.count--;
			if (branch.count > 0 || branch.depth < 2) continue;
			branch.parent.children.delete(branch.label);
			branch.parent.sorted = null;
		}
		this.#renew();
	}

	get isFiltered() {
		return this.#sought !== '';
	}

	get filter() {
		return this.#filter;
	}

	set filter(text) {
		this.#filter = text;
		this.#sought = text.trim().toLowerCase();
		this.#renew();
	}

	/** Whether what is below a branch is to be seen. */
	isOpen(branch) {
		return this.isFiltered || (branch.isOpen ?? (branch.depth === 1 || branch.count <= openByItself));
	}

	setOpen(branch, isOpen) {
		branch.isOpen = isOpen;
		this.#renew();
	}

	/** Opens all above a node, and gives its branch. */
	reveal(node) {
		const found = this.#branchOf(node);
		for (let branch = found.parent; branch; branch = branch.parent) branch.isOpen = true;
		this.#renew();
		return found;
	}

	/** The rows in their order: { branch, position, siblings }, by what is open, or by the filter. */
	rows() {
		if (this.#rows) return this.#rows;
		this.#rows = [];
		const matching = this.isFiltered ? this.#matching() : null;
		this.#append(this.#root, matching);
		return this.#rows;
	}

	/** The branches that the filter leaves. */
	#matching() {
		const found = new Set();
		const look = (branch) => {
			const { node } = branch;
			let isIn = node !== null && `${node.host}/${node.name}`.toLowerCase().includes(this.#sought);
			for (const child of branch.children.values()) isIn = look(child) || isIn;
			if (isIn) found.add(branch);
			return isIn;
		};
		look(this.#root);
		return found;
	}

	#append(parent, matching) {
		const shown = matching ? parent.inOrder().filter((branch) => matching.has(branch)) : parent.inOrder();
		shown.forEach((branch, index) => {
			this.#rows.push({ branch, position: index + 1, siblings: shown.length });
			if (this.isOpen(branch)) this.#append(branch, matching);
		});
	}

	#renew() {
		this.#rows = null;
		this.changed();
	}
}
