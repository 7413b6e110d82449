// The tree, and beside it the node that is open. On a narrow screen one of them.
import { NodeView } from './node_view.jsx';
import { TreeView } from './tree_view.jsx';
import { useChanging } from './use_changing.js';

function Hint({ app }) {
	useChanging(app.nodes.tree);
	if (app.nodes.count > 0) return <p class="hint">Choose a node to see its value, its last values and a plot.</p>;
	if (app.isListing || app.fault !== null) return <p class="hint" />;
	return (
		<p class="hint">
			There is no node yet that you may read. What devices publish is shown here as it comes; you may also{' '}
			<a href="#publish">publish a first message</a>.
		</p>
	);
}

export function NodesView({ app }) {
	return (
		<main class={app.opened ? 'nodes opened' : 'nodes'}>
			<h1 class="unseen">Nodes of {location.hostname}</h1>
			<TreeView app={app} />
			{app.opened ? (
				<NodeView key={`${app.opened.host}/${app.opened.name}`} app={app} opened={app.opened} />
			) : (
				<Hint app={app} />
			)}
		</main>
	);
}
