// Where in the page somebody is, as the part of its address behind "#": so that "back" and bookmarks work.

export const placeOfNode = (host, name) => `#node/${encodeURIComponent(host)}/${encodeURIComponent(name)}`;

/** { view, host, name }: view is "nodes", "clients", "retained" or "publish"; a host where a node is open. */
export function placeOf(hash) {
	const [view, host, name] = hash.replace(/^#/, '').split('/');
	if (view === 'node' && host && name !== undefined) {
		try {
			return { view: 'nodes', host: decodeURIComponent(host), name: decodeURIComponent(name) };
		} catch {
			return { view: 'nodes', host: null, name: null };
		}
	}
	return { view: ['clients', 'retained', 'publish'].includes(view) ? view : 'nodes', host: null, name: null };
}
