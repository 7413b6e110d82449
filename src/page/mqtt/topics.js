// HOST/TYPE/NODE, as docs/mapping.md has it.

export const types = ['json', 'utf8', 'atom_title', 'xml', 'binary', 'any'];

export const topicOf = (host, type, node) => `${host}/${type}/${node}`;

/** A topic's { host, type, node }. */
export function partsOf(topic) {
	const first = topic.indexOf('/');
	const second = topic.indexOf('/', first + 1);
	return { host: topic.slice(0, first), type: topic.slice(first + 1, second), node: topic.slice(second + 1) };
}

const longest = 65_535; // bytes of a string (MQTT 5.0, 1.5.4)

/** Why the server would close the connection of who publishes to the topic (4.7.1). Null: it would not. */
export function faultOf(topic) {
	if (/[+#]/.test(topic)) return 'the name of a node has no + and no # in it';
	if (new TextEncoder().encode(topic).length > longest) return 'the name is too long';
	return null;
}

/** The topic by which devices know a node below the mount point, whose prefix is "" or names. Null: they do not. */
export function mountedTopic(prefix, node) {
	if (prefix === '') return node;
	return node.startsWith(`${prefix}/`) ? node.slice(prefix.length + 1) : null;
}

/** A word of a shell's command line, whatever it holds. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** The command that prints what is published to a topic. `page` is the page's URL, `account` null without login. */
export function mosquittoSub(page, account, topic) {
	const isEncrypted = page.protocol === 'https:';
	const words = ['mosquitto_sub', '-V', '5', '-h', page.hostname.replace(/^\[|\]$/g, '')];
	words.push('-p', page.port || (isEncrypted ? '443' : '80'));
	if (isEncrypted) words.push('--capath', '/etc/ssl/certs');
	if (account) words.push('-u', account, '-P', 'PASSWORD');
	words.push('-v', '-t', topic);
	return words.map(quoted).join(' ');
}
