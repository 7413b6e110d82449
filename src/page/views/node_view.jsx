// One node: who owns it and what may be done with it, its value, a plot, and its last values.
import { useEffect, useRef } from 'preact/hooks';
import { mosquittoSub, mountedTopic, topicOf } from '../mqtt/topics.js';
import { CopyLine } from './copy_line.jsx';
import { HistoryTable } from './history_table.jsx';
import { isNarrow } from './narrow.js';
import { PlotView } from './plot_view.jsx';
import { PublishForm } from './publish_form.jsx';
import { clockTime } from './times.js';
import { useChanging } from './use_changing.js';
import { ValueView } from './value_view.jsx';

const perSecond = 250; // milliseconds: what changes more often cannot be read

function Name({ host, name }) {
	return (
		<>
			<span class="host">{host}/</span>
			{name.split('/').map((level, index) => (
				<>
					{index > 0 && (
						<>
							/<wbr />
						</>
					)}
					{level}
				</>
			))}
		</>
	);
}

function storedBy({ persists, max_items: most }) {
	if (!persists) return 'nothing but what is retained';
	if (!most) return 'all items';
	return most === 1 ? 'the last item' : `the last ${most} items`;
}

function Rights({ info, mounted }) {
	if (!info) return null;
	const { may, owners } = info;
	const allowed = [may?.read && 'read', may?.publish && 'publish', may?.configure && 'configure'].filter(Boolean);
	const facts = [
		['Title', info.title],
		['About', info.description],
		['Topic', mounted && `${mounted}, as devices have it`],
		['Owner', owners?.length ? owners.join(', ') : 'nobody'],
		['You may', allowed.join(', ') || 'nothing'],
		['Stored', storedBy(info)],
	];
	return (
		<dl class="rights">
			{facts.map(
				([label, fact]) =>
					fact && (
						<div key={label}>
							<dt>{label}</dt>
							<dd>{fact}</dd>
						</div>
					),
			)}
		</dl>
	);
}

function whenCame(node) {
	if (!node?.at) return 'No message yet.';
	if (node.isRetained) return 'The last message from before this page was opened.';
	return `The last message: ${clockTime(node.at)}.`;
}

function Value({ app, opened }) {
	useChanging(app.nodes.values, perSecond);
	const { node, isKnown } = opened;
	if (isKnown === false && !node?.at) return <p class="error">There is no such node, or you may not see it.</p>;
	return (
		<section aria-label="Value" class="value-section">
			<p class="when">{whenCame(node)}</p>
			{node?.payload && <ValueView app={app} opened={opened} payload={node.payload} />}
			{node?.at && !node.payload && (
				<p>
					{node.preview} <em>(The page has dropped the rest, to save memory.)</em>
				</p>
			)}
		</section>
	);
}

export function NodeView({ app, opened }) {
	const { host, name, node } = opened;
	const prefix = app.hosts.find((one) => one.host === host)?.mounted;
	const command = mosquittoSub(location, app.account, topicOf(host, 'any', name));
	const heading = useRef(null);
	useEffect(() => {
		// The tree, where the keyboard was, is not to be seen beside it.
		if (isNarrow()) heading.current.focus({ preventScroll: true });
	}, []);
	return (
		<article class="node" aria-labelledby="node-name">
			<div class="head">
				<a class="back" href="#" aria-label="Back to the tree">
					←
				</a>
				<h2 id="node-name" ref={heading} tabIndex={-1}>
					<Name host={host} name={name} />
				</h2>
			</div>
			<Rights info={node?.info} mounted={prefix === undefined ? null : mountedTopic(prefix, name)} />
			<Value app={app} opened={opened} />
			<PlotView app={app} />
			<details>
				<summary>Publish to this node</summary>
				<PublishForm app={app} host={host} name={name} mayPublish={node?.info?.may?.publish ?? true} />
			</details>
			<CopyLine label="The same in a terminal" text={command} />
			{node && <HistoryTable app={app} opened={opened} />}
		</article>
	);
}
