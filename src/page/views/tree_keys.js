// The keys of WAI-ARIA's tree pattern (https://www.w3.org/WAI/ARIA/apg/patterns/treeview/).

const page = 10;

/** Carries out a key. Gives the branch where the keyboard is then, or null where it stays. `choose` opens a node. */
export function treeKey(event, tree, active, choose) {
	if (event.ctrlKey || event.altKey || event.metaKey) return null;
	const branches = tree.rows().map(({ branch }) => branch);
	if (branches.length === 0) return null;
	const index = branches.indexOf(active);
	const at = (place) => branches[Math.max(0, Math.min(branches.length - 1, place))];
	const keys = {
		ArrowDown: () => at(index + 1),
		ArrowUp: () => at(index - 1),
		PageDown: () => at(index + page),
		PageUp: () => at(index - page),
		Home: () => at(0),
		End: () => at(branches.length - 1),
		ArrowRight: () => into(tree, active),
		ArrowLeft: () => out(tree, active),
		Enter: () => active && choose(active),
		' ': () => active && choose(active),
		'*': () => openAll(tree, active),
	};
	const key = keys[event.key] ?? (event.key.length === 1 ? () => byLetter(branches, index, event.key) : null);
	if (!key) return null;
	event.preventDefault();
	return key() ?? null;
}

function into(tree, active) {
	if (!active || active.children.size === 0) return null;
	if (tree.isOpen(active)) {
		const rows = tree.rows();
		return rows[rows.findIndex(({ branch }) => branch === active) + 1].branch;
	}
	tree.setOpen(active, true);
	return null;
}

function out(tree, active) {
	if (!active) return null;
	if (active.children.size > 0 && tree.isOpen(active) && !tree.isFiltered) {
		tree.setOpen(active, false);
		return null;
	}
	return active.depth > 1 ? active.parent : null;
}

function openAll(tree, active) {
	for (const sibling of active?.parent.children.values() ?? []) {
		if (sibling.children.size > 0) tree.setOpen(sibling, true);
	}
}

function byLetter(branches, index, letter) {
	const begins = ({ label }) => label.toLowerCase().startsWith(letter.toLowerCase());
	return branches.slice(index + 1).find(begins) ?? branches.find(begins);
}
