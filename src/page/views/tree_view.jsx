// The tree of nodes with their last values, by the tree pattern of WAI-ARIA. Only the rows that are to be seen are in
// the document, and the one that the keyboard is at.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { placeOfNode } from '../place.js';
import { clockTime } from './times.js';
import { treeKey } from './tree_keys.js';
import { useChanging } from './use_changing.js';

const rowHeight = matchMedia('(pointer: coarse)').matches ? 44 : 26;
const beyond = 5; // rows above and below what is to be seen
const idOf = (branch) => `branch-${branch.id}`;
const nameOf = (branch) => branch.label || '(no name)';

/** The part of the rows between two heights. */
function useWindow(element) {
	const [seen, setSeen] = useState({ top: 0, height: 800 });
	useLayoutEffect(() => {
		const { current } = element;
		const look = () => setSeen({ top: current.scrollTop, height: current.clientHeight });
		const observer = new ResizeObserver(look);
		observer.observe(current);
		current.addEventListener('scroll', look, { passive: true });
		return () => {
			observer.disconnect();
			current.removeEventListener('scroll', look);
		};
	}, [element]);
	return seen;
}

function Row({ tree, row, index, spoken, isOpened, onChoose }) {
	const { branch } = row;
	const { node } = branch;
	const isParent = branch.children.size > 0;
	const isOpen = isParent && tree.isOpen(branch);
	const toggle = (event) => {
		event.stopPropagation();
		tree.setOpen(branch, !isOpen);
	};
	return (
		<div
			role="treeitem"
			id={idOf(branch)}
			class={`row${spoken === null ? '' : ' active'}${isOpened ? ' opened' : ''}`}
			style={{
				transform: `translateY(${index * rowHeight}px)`,
				height: `${rowHeight}px`,
				paddingLeft: `${branch.depth - 1}em`,
			}}
			aria-level={branch.depth}
			aria-posinset={row.position}
			aria-setsize={row.siblings}
			aria-expanded={isParent ? isOpen : undefined}
			aria-selected={isOpened}
			onClick={() => onChoose(branch)}
		>
			{/* The keyboard has the arrows for that. */}
			<span
				class={isParent ? `twisty${isOpen ? ' open' : ''}` : 'twisty none'}
				onClick={isParent ? toggle : undefined}
			/>
			<span class={node ? 'name' : 'name folder'}>{nameOf(branch)}</span>
			{!isOpen && isParent && (
				<span class="count" aria-hidden="true">
					{branch.count}
				</span>
			)}
			{spoken && <span class="unseen">{spoken}</span>}
			{node && (
				<span class="value" aria-hidden="true">
					{node.preview}
				</span>
			)}
			{node?.at && (
				<span class="time" aria-hidden="true">
					{node.isRetained ? '' : clockTime(node.at)}
				</span>
			)}
		</div>
	);
}

function Rows({ app, tree, element, active, setActive, onChoose }) {
	useChanging(app.nodes.values);
	const { top, height } = useWindow(element);
	const rows = tree.rows();
	const first = Math.max(0, Math.floor(top / rowHeight) - beyond);
	const end = Math.min(rows.length, Math.ceil((top + height) / rowHeight) + beyond);
	// What scrolls out makes room for what scrolls in: its elements are used again.
	const places = Math.ceil(height / rowHeight) + 2 * beyond + 1;
	const shown = rows
		.slice(first, end)
		.map((row, place) => ({ row, index: first + place, key: (first + place) % places }));
	const activeIndex = active ? rows.findIndex(({ branch }) => branch === active.branch) : -1;
	if (activeIndex >= 0 && (activeIndex < first || activeIndex >= end)) {
		shown.push({ row: rows[activeIndex], index: activeIndex, key: 'active' });
	}
	return (
		<div class="rows" role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
			{shown.map(({ row, index, key }) => (
				<Row
					key={key}
					tree={tree}
					row={row}
					index={index}
					spoken={row.branch === active?.branch ? active.spoken : null}
					isOpened={row.branch.node !== null && row.branch.node === app.opened?.node}
					onChoose={(branch) => {
						setActive(branch);
						onChoose(branch);
					}}
				/>
			))}
		</div>
	);
}

export function TreeView({ app }) {
	const { tree } = app.nodes;
	useChanging(tree);
	const element = useRef(null);
	const [active, keepActive] = useState(null);
	// A screen reader says the value of the moment when the keyboard comes to a row, and does not chatter.
	const setActive = (branch) => keepActive({ branch, spoken: branch.node?.preview ?? '' });
	const rows = tree.rows();

	const choose = (branch) => {
		if (branch.node) location.hash = placeOfNode(branch.node.host, branch.node.name);
		else tree.setOpen(branch, !tree.isOpen(branch));
	};
	const onKeyDown = (event) => {
		const moved = treeKey(event, tree, active?.branch, choose);
		if (moved) setActive(moved);
	};
	const onFocus = () => {
		if (!active && rows.length > 0) setActive(rows[0].branch);
	};
	useEffect(() => {
		const index = active ? tree.rows().findIndex(({ branch }) => branch === active.branch) : -1;
		if (index < 0) return;
		const { current } = element;
		const top = index * rowHeight;
		if (top < current.scrollTop) current.scrollTop = top;
		else if (top + rowHeight > current.scrollTop + current.clientHeight)
			current.scrollTop = top + rowHeight - current.clientHeight;
	}, [active, tree]);

	return (
		<section class="tree" aria-label="Nodes">
			<div class="tools">
				<input
					type="search"
					aria-label="Filter by name"
					placeholder="Filter by name"
					value={tree.filter}
					onInput={(event) => {
						tree.filter = event.target.value;
					}}
				/>
				<button type="button" disabled={app.isListing} onClick={() => app.list()}>
					Refresh
				</button>
			</div>
			<div
				class="scroll"
				role="tree"
				aria-label="Nodes and their last values"
				tabIndex={0}
				ref={element}
				aria-activedescendant={active ? idOf(active.branch) : undefined}
				onKeyDown={onKeyDown}
				onFocus={onFocus}
			>
				<Rows app={app} tree={tree} element={element} active={active} setActive={setActive} onChoose={choose} />
			</div>
			<p class="below" role="status">
				{below(app, tree, rows)}
			</p>
		</section>
	);
}

function below(app, tree, rows) {
	if (app.isListing) return 'Listing …';
	if (app.fault !== null) return `The nodes could not be listed, the page tries again: ${app.fault}`;
	const { count, isFull } = app.nodes;
	if (isFull) return `${count} nodes; the server has more than this page shows`;
	if (count === 0) return 'There is no node that you may read.';
	if (tree.isFiltered && rows.length === 0) return 'No name has that in it.';
	return `${count} ${count === 1 ? 'node' : 'nodes'}`;
}
