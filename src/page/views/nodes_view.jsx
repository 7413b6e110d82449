// The tree, and beside it the node that is open. On a narrow screen one of them.
import { NodeView } from './node_view.jsx';
import { TreeView } from './tree_view.jsx';

export function NodesView({ app }) {
	return (
		<main class={app.opened ? 'nodes opened' : 'nodes'}>
			<h1 class="unseen">Nodes of {location.hostname}</h1>
			<TreeView app={app} />
			{app.opened ? <NodeView key={`${app.opened.host}/${app.opened.name}`} app={app} opened={app.opened} />
				: <p class="hint">Choose a node to see its value, its last values and a plot.</p>}
		</main>
	);
}
