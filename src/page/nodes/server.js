// What the page asks the server about nodes, clients and retained messages: docs/mapping.md, "History and lists over MQTT".

const page = 1000;
const itemsAtOnce = 100;

const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const bytesOf = ({ text, base64 }) => (base64 === undefined ? new TextEncoder().encode(text ?? '') : fromBase64(base64));

const isThere = ({ text, base64 }) => text !== undefined || base64 !== undefined;

/** An answer's pages, one after the other, as long as the caller wants them. */
async function* pages(requests, name, question) {
	let after;
	do {
		const answer = await requests.ask(name, { ...question, after, limit: page });
		yield answer;
		after = answer.next;
	} while (after !== undefined && after !== null);
}

/** Who we are, and which hosts there are. */
export const askAccount = (requests) => requests.ask('nodes');

export async function* askNodes(requests, host) {
	for await (const { nodes } of pages(requests, `nodes/${host}`)) yield nodes;
}

/** What the server tells of one node. Null: it is not there, or not to be seen. */
export async function askNode(requests, host, name) {
	const { nodes } = await requests.ask(`nodes/${host}`, { node: name });
	return nodes[0] ?? null;
}

/** A page of stored items, the newest first, as History has them. */
export async function askItems(requests, node, after) {
	const { items, next } = await requests.ask(`items/${node.host}/any/${node.name}`, { after, limit: itemsAtOnce });
	return {
		next,
		items: items.map((item) => ({
			id: item.id,
			at: item.published ? Date.parse(item.published) : null,
			publisher: item.publisher ?? null,
			payload: bytesOf(item),
			withheld: item.bytes ?? null, // so many bytes, which are too many for an answer
		})),
	};
}

export async function askClients(requests, contains, after) {
	return requests.ask('clients', { contains: contains || undefined, after, limit: 100 });
}

/** By its number, since clients of different accounts may have the same name. */
export const closeClient = (requests, { number }) => requests.ask('clients/close', { number });

export async function askRetained(requests, filter, after) {
	const { retained, next } = await requests.ask('retained', { filter, after, limit: 100 });
	return {
		next,
		retained: retained.map(({ topic, bytes, ...content }) => (
			{ topic, bytes, payload: isThere(content) ? bytesOf(content) : null } // null: too large for an answer
		)),
	};
}
