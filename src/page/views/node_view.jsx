// One node: its value, a plot, its last values, who owns it, and what may be done with it.
import { mosquittoSub, mountedTopic, topicOf } from '../mqtt/topics.js';
import { CopyLine } from './copy_line.jsx';
import { HistoryTable } from './history_table.jsx';
import { PlotView } from './plot_view.jsx';
import { PublishForm } from './publish_form.jsx';
import { clockTime } from './times.js';
import { useChanging } from './use_changing.js';
import { ValueView } from './value_view.jsx';

const perSecond = 250; // milliseconds: what changes more often cannot be read

function Rights({ info, mounted }) {
	if (!info) return null;
	const { may, owners, persists, max_items: most } = info;
	const allowed = [may?.read && 'read', may?.publish && 'publish', may?.configure && 'configure'].filter(Boolean);
	return (
		<dl class="rights">
			{info.title && <><dt>Title</dt><dd>{info.title}</dd></>}
			{info.description && <><dt>About</dt><dd>{info.description}</dd></>}
			{mounted && <><dt>Topic</dt><dd>{mounted}, as devices have it</dd></>}
			<dt>Owner</dt><dd>{owners?.length ? owners.join(', ') : 'nobody'}</dd>
			<dt>You may</dt><dd>{allowed.join(', ') || 'nothing'}</dd>
			<dt>Stored</dt><dd>{persists ? `the last ${most ?? ''} items` : 'nothing but what is retained'}</dd>
		</dl>
	);
}

function whenCame(node) {
	if (!node?.at) return 'Nothing has come yet.';
	if (node.isRetained) return 'The last value from before this page was opened.';
	return `Came at ${clockTime(node.at)}.`;
}

function Value({ app, opened }) {
	useChanging(app.nodes.values, perSecond);
	const { node } = opened;
	return (
		<section aria-label="Value" class="value-section">
			<p class="when">{whenCame(node)}</p>
			{node?.payload && <ValueView app={app} opened={opened} payload={node.payload} />}
			{node?.at && !node.payload && <p>{node.preview} <em>(The page has dropped the rest, to save memory.)</em></p>}
		</section>
	);
}

function Gone({ opened }) {
	if (opened.isKnown !== false || opened.node?.at) return null;
	return <p class="error">There is no such node, or you may not see it.</p>;
}

export function NodeView({ app, opened }) {
	const { host, name, node } = opened;
	const prefix = app.hosts.find((one) => one.host === host)?.mounted;
	const command = mosquittoSub(location, app.account, topicOf(host, 'any', name));
	return (
		<article class="node" aria-labelledby="node-name">
			<div class="head">
				<a class="back" href="#" aria-label="Back to the tree">←</a>
				<h2 id="node-name"><span class="host">{host}/</span>{name}</h2>
			</div>
			<Gone opened={opened} />
			<Value app={app} opened={opened} />
			<PlotView app={app} />
			{node && <HistoryTable app={app} opened={opened} />}
			<details>
				<summary>Publish</summary>
				<PublishForm app={app} host={host} name={name} mayPublish={node?.info?.may?.publish ?? true} />
			</details>
			<Rights info={node?.info} mounted={prefix === undefined ? null : mountedTopic(prefix, name)} />
			<CopyLine label="The same in a terminal" text={command} />
		</article>
	);
}
