import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultOf, mosquittoSub, mountedTopic, partsOf, topicOf } from '../../../src/page/mqtt/topics.js';
import { Nodes } from '../../../src/page/nodes/nodes.js';
import { placeOf, placeOfNode } from '../../../src/page/place.js';
import { Board, mostSeries } from '../../../src/page/plot/board.js';
import { History } from '../../../src/page/values/history.js';

globalThis.requestAnimationFrame = () => {};

const bytes = (text) => new TextEncoder().encode(text);
const host = 'pubsub.example.org';
const rows = ({ tree }) =>
	tree.rows().map(({ branch }) => `${' '.repeat(branch.depth - 1)}${branch.label}${branch.node ? '' : '/'}`);

function nodesOf(...names) {
	const nodes = new Nodes();
	for (const name of names) nodes.take(host, name, bytes(name), false);
	return nodes;
}

test('Names are a tree by their slashes, in the order that people expect', () => {
	assert.deepEqual(rows(nodesOf('b/2', 'b/10', 'a', '/a', 'a//b', 'b')), [
		'pubsub.example.org/',
		' /',
		'  a',
		' a',
		'  /',
		'   b',
		' b',
		'  2',
		'  10',
	]);
});

test('The filter leaves the names that hold it, and what is above them', () => {
	const nodes = nodesOf('home/kitchen/t', 'home/cellar/t', 'other');
	nodes.tree.filter = ' KITCHEN';
	assert.deepEqual(rows(nodes), ['pubsub.example.org/', ' home/', '  kitchen/', '   t']);
	nodes.tree.filter = 'nowhere';
	assert.deepEqual(rows(nodes), []);
	nodes.tree.filter = '';
	assert.equal(rows(nodes).length, 7);
});

test('A large branch is closed until somebody opens it', () => {
	const nodes = nodesOf(...Array.from({ length: 30 }, (_, index) => `many/${index}`), 'few/1');
	assert.deepEqual(rows(nodes), ['pubsub.example.org/', ' few/', '  1', ' many/']);
	nodes.tree.setOpen(nodes.tree.rows()[3].branch, true);
	assert.equal(rows(nodes).length, 34);
});

test('What the server names no more is gone after the next list, but for what has come meanwhile', () => {
	const nodes = nodesOf('a/b', 'c', 'd');
	nodes.beginList();
	nodes.tell(host, { node: 'd' });
	nodes.take(host, 'new', bytes('1'), false);
	nodes.endList();
	assert.deepEqual(rows(nodes), ['pubsub.example.org/', ' d', ' new']);
	assert.equal(nodes.find(host, 'a/b'), null);
});

test('A node whose payload was dropped keeps its line', () => {
	const nodes = nodesOf('first');
	for (let index = 0; index < 40; index++)
		nodes.take(host, `large/${index}`, new Uint8Array(1024 * 1024).fill(0x61), false);
	assert.equal(nodes.find(host, 'first').payload, null);
	assert.equal(nodes.find(host, 'first').preview, 'first');
	assert.notEqual(nodes.find(host, 'large/39').payload, null);
});

test('Topics', () => {
	assert.equal(topicOf(host, 'json', 'a/b'), 'pubsub.example.org/json/a/b');
	assert.deepEqual(partsOf('pubsub.example.org/any//a/'), { host, type: 'any', node: '/a/' });
});

test('Topics below a mount point', () => {
	assert.equal(mountedTopic('', 'zigbee2mqtt/lamp'), 'zigbee2mqtt/lamp');
	assert.equal(mountedTopic('home', 'home/zigbee2mqtt/lamp'), 'zigbee2mqtt/lamp');
	assert.equal(mountedTopic('home', 'homes/lamp'), null);
});

test('What is retained comes again without a new time', () => {
	const nodes = nodesOf('a');
	const { at } = nodes.find(host, 'a');
	nodes.take(host, 'a', bytes('a'), true);
	assert.deepEqual([nodes.find(host, 'a').at, nodes.find(host, 'a').isRetained], [at, false]);
	nodes.take(host, 'a', bytes('b'), true);
	assert.equal(nodes.find(host, 'a').isRetained, true);
});

test('What is stored is the last value where nothing newer has come', () => {
	const nodes = nodesOf('live');
	for (const name of ['retained', 'large']) nodes.take(host, name, bytes('as it was retained'), true);
	nodes.tell(host, { node: 'stored' });
	const shown = (name, item) => {
		const node = nodes.find(host, name);
		nodes.takeStored(node, { id: 'random', payload: bytes('as it is stored'), at: 5, ...item });
		return [node.preview, node.at === 5, node.isRetained];
	};
	assert.deepEqual(shown('live'), ['live', false, false]);
	assert.deepEqual(shown('retained'), ['as it is stored', true, false]);
	assert.deepEqual(shown('large', { id: 'current' }), ['as it was retained', true, false]);
	assert.deepEqual(shown('stored', { at: null }), ['as it is stored', false, true]);
});

test('A command for a shell, whatever the name holds', () => {
	const page = new URL('https://mqtt.example.org:8883/');
	assert.equal(
		mosquittoSub(page, "o'neil@example.org", `${host}/any/a $(rm) 'b'`),
		"mosquitto_sub -V 5 -h mqtt.example.org -p 8883 --capath /etc/ssl/certs -u 'o'\\''neil@example.org' -P PASSWORD -v " +
			"-t 'pubsub.example.org/any/a $(rm) '\\''b'\\'''",
	);
	assert.equal(
		mosquittoSub(new URL('http://[::1]:1883/'), null, 'h/any/n'),
		'mosquitto_sub -V 5 -h ::1 -p 1883 -v -t h/any/n',
	);
});

test('Places', () => {
	for (const name of ['a', 'a/b', '/', 'x#y?z', 'ü%2F', '<b>']) {
		assert.deepEqual(placeOf(placeOfNode(host, name)), { view: 'nodes', host, name });
	}
	for (const odd of ['', '#', '#node', '#node/a', '#node/%/%', '#javascript:alert(1)'])
		assert.equal(placeOf(odd).host, null, odd);
	assert.equal(placeOf('#clients').view, 'clients');
});

test('What came live is not shown again as stored', async () => {
	const history = new History();
	const asked = history.load(async () => {
		history.add(bytes('3'), 3000);
		history.add(bytes('2'), 3001);
		return {
			items: ['3', '2', '2', '1'].map((text, index) => ({ payload: bytes(text), at: 3000 - index })),
			next: 'x',
		};
	});
	await asked;
	assert.deepEqual(
		history.newest(10).map(({ payload }) => new TextDecoder().decode(payload)),
		['2', '3', '2', '1'],
	);
	assert.equal(history.hasMore, true);
	await history.load(async (after) => {
		assert.equal(after, 'x');
		throw new Error('gone');
	});
	assert.equal(history.error.message, 'gone');
	assert.equal(history.newest(10).length, 4);
});

test('A plot has the stored past before what comes, and forgets what is too old', () => {
	const nodes = nodesOf('a', 'b');
	const [a, b] = [nodes.find(host, 'a'), nodes.find(host, 'b')];
	const board = new Board();
	board.show(a, '/t', []);
	board.take(a, bytes('{"t":3}'), 3000);
	board.take(a, bytes('{"t":"no number"}'), 3500);
	board.take(a, bytes('{"t":4}'), 2000); // the clock was set back
	board.precede(a, [
		{ at: null, payload: bytes('{"t":0}') },
		{ at: 1000, payload: bytes('{"t":1}') },
		{ at: 4000, payload: bytes('{"t":9}') },
	]);
	const [series] = board.series;
	assert.deepEqual(
		[series.times, series.values],
		[
			[1, 3, 3],
			[1, 3, 4],
		],
	);
	board.choose(a, '/t', []);
	board.show(b, '', []);
	assert.deepEqual(
		board.series.map(({ label, colour }) => [label, colour]),
		[
			['a t', 0],
			['b', 1],
		],
	);
	board.show(null, null, []);
	for (let number = 0; number < 20_000; number++) board.take(a, bytes(`{"t":${number}}`), 5000 + number);
	assert.ok(series.times.length <= 6000);
	assert.equal(series.last, 19_999);
	for (let index = 0; index < 20; index++) board.choose(b, `/${index}`, []);
	assert.equal(board.series.length, mostSeries);
});

test('A topic that the server would close the connection for is known', () => {
	assert.equal(faultOf(`${host}/any/a b/$c//`), null);
	assert.match(faultOf(`${host}/any/a+b`), /no \+/);
	assert.match(faultOf(`${host}/any/#`), /no #/);
	assert.equal(faultOf('\u00e4'.repeat(32_767)), null);
	assert.match(faultOf('\u00e4'.repeat(32_768)), /too long/);
});
