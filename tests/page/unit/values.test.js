import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Series } from '../../../src/page/plot/series.js';
import { hexDump } from '../../../src/page/values/hex_dump.js';
import { jsonLines } from '../../../src/page/values/json_lines.js';
import { firstNumber, numberAt } from '../../../src/page/values/json_pointer.js';
import { preview, sizeOf, understand } from '../../../src/page/values/payload.js';
import { PayloadBudget } from '../../../src/page/values/payload_budget.js';
import { Ring } from '../../../src/page/values/ring.js';
import { clockTime } from '../../../src/page/views/times.js';

const bytes = (text) => new TextEncoder().encode(text);

test('A ring keeps the newest entries', () => {
	const ring = new Ring(3);
	for (let number = 0; number < 1000; number++) {
		ring.push(number);
		assert.equal(ring.size, Math.min(3, number + 1));
	}
	assert.deepEqual([...ring], [997, 998, 999]);
	assert.deepEqual(ring.newest(2), [999, 998]);
	assert.deepEqual(ring.newest(), [999, 998, 997]);
});

test('A ring keeps so many bytes, and the newest entry however large', () => {
	const ring = new Ring(100, 10);
	for (const size of [4, 4, 4]) ring.push(size, size);
	assert.equal(ring.size, 2);
	ring.push('large', 1000);
	assert.deepEqual([...ring], ['large']);
	ring.push('small', 1);
	assert.deepEqual([...ring], ['small']);
});

test('Payloads beyond the budget are dropped where nothing has changed for the longest', () => {
	const dropped = [];
	const budget = new PayloadBudget(10, (holder) => dropped.push(holder));
	for (const holder of ['a', 'b', 'c']) budget.hold(holder, 3);
	budget.hold('a', 4); // a is the newest now
	assert.deepEqual(dropped, []);
	budget.hold('d', 3);
	assert.deepEqual(dropped, ['b']);
	budget.forget('c');
	assert.equal(budget.bytes, 7);
	budget.hold('e', 100);
	assert.deepEqual(dropped, ['b', 'a', 'd']);
	assert.equal(budget.bytes, 100);
});

test('What a payload is', () => {
	const kinds = {
		'': 'nothing',
		21.5: 'number',
		' -1e3\n': 'number',
		'{"t":1}': 'json',
		'[]': 'json',
		on: 'text',
		'"quoted"': 'text',
		null: 'text',
		'{"t":': 'text',
		NaN: 'text',
		'<b>bold</b>': 'text',
		'GIF89a…': 'picture',
	};
	for (const [text, kind] of Object.entries(kinds)) assert.equal(understand(bytes(text)).kind, kind, text);
	assert.equal(understand(Uint8Array.of(0xff, 0xfe)).kind, 'bytes');
	assert.equal(understand(bytes('a\0b')).kind, 'bytes');
	assert.equal(understand(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)).type, 'image/jpeg');
	assert.equal(understand(bytes('RIFF\x01\x02\x03\x04WEBPVP8 ')).type, 'image/webp');
	assert.equal(understand(bytes('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')).kind, 'text');
});

test('A line of a payload', () => {
	assert.equal(preview(bytes('a\n b\t\tc')), 'a b c');
	assert.equal(preview(bytes('x'.repeat(1_000_000))), `${'x'.repeat(80)}…`);
	assert.match(preview(bytes('ü'.repeat(1000))), /^ü{80}…$/, 'a cut inside a character');
	assert.match(preview(bytes('€'.repeat(1000))), /^€{80}…$/);
	assert.equal(preview(Uint8Array.of(0xff, 0)), 'ff 00');
	assert.equal(preview(new Uint8Array(20).fill(0xff)), `${'ff '.repeat(16)}…`);
	assert.equal(preview(new Uint8Array(0)), '');
	assert.equal(sizeOf(1536), '1.5 KiB');
});

test('Numbers inside JSON', () => {
	const value = JSON.parse('{"a/b":{"~":[1,{"t":2.5}]},"big":1e999,"s":"1","__proto__":{"n":7}}');
	assert.equal(numberAt(value, '/a~1b/~0/0'), 1);
	assert.equal(numberAt(value, '/a~1b/~0/1/t'), 2.5);
	assert.equal(numberAt(value, '/__proto__/n'), 7);
	for (const none of ['', '/a~1b', '/big', '/s', '/no', '/a~1b/~0/length', '/constructor', '/s/length'])
		assert.equal(numberAt(value, none), null, none);
	assert.equal(numberAt(3, ''), 3);
	assert.equal(numberAt(undefined, ''), null);
	assert.equal(firstNumber(value), '/a~1b/~0/0');
	assert.equal(firstNumber(3), '');
	assert.equal(firstNumber({ a: 'b', c: [null] }), null);
	assert.equal(firstNumber(JSON.parse(`${'['.repeat(5000)}1${']'.repeat(5000)}`)), null, 'deep');
});

const printed = (json) =>
	jsonLines(json, 1000).lines.map(
		({ indent, key, text, comma }) =>
			`${' '.repeat(indent)}${key === null ? '' : `${key}: `}${text}${comma ? ',' : ''}`,
	);

test('JSON in lines, with each scalar as it was sent', () => {
	assert.deepEqual(printed('{"a":[1.50,12345678901234567890,{}],"b":{"c":null,"d":"x, {\\"y\\": 1}"},"e":[ ] }'), [
		'{',
		' "a": [',
		'  1.50,',
		'  12345678901234567890,',
		'  {}',
		' ],',
		' "b": {',
		'  "c": null,',
		'  "d": "x, {\\"y\\": 1}"',
		' },',
		' "e": []',
		'}',
	]);
	assert.deepEqual(printed('[[[]],[]]'), ['[', ' [', '  []', ' ],', ' []', ']']);
	assert.deepEqual(printed('{"":{"":""}}'), ['{', ' "": {', '  "": ""', ' }', '}']);
});

test('The numbers in lines of JSON have pointers that lead to them', () => {
	const json = '{"a":[1,{"b/c":-2.5}],"d":"3","e":{"f":[[4]]},"\\u0067":5}';
	const numbers = jsonLines(json, 1000).lines.filter(({ isNumber }) => isNumber);
	assert.deepEqual(
		numbers.map(({ pointer }) => pointer),
		['/a/0', '/a/1/b~1c', '/e/f/0/0', '/g'],
	);
	for (const { pointer, text } of numbers) assert.equal(numberAt(JSON.parse(json), pointer), Number(text));
});

test('Long JSON is cut', () => {
	const { lines, isCut } = jsonLines(JSON.stringify(Array.from({ length: 100 }, (_, index) => index)), 50);
	assert.equal(lines.length, 50);
	assert.equal(isCut, true);
});

test('Bytes as hexdump -C has them', () => {
	assert.equal(
		hexDump(bytes('0123456789abcdef\n')),
		'000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n' +
			'000010  0a                                               .',
	);
});

test('Numbers of one second stand side by side in it, since no more is known of their time', () => {
	const series = new Series({ name: 'node' }, '', 0);
	const entries = (...given) => given.map(([at, value]) => ({ at: at * 1000, payload: bytes(String(value)) }));
	series.take(bytes('9'), 12_250);
	series.precede(entries([10, 1], [10, 2], [11, 3], [12, 4], [12, 5]));
	assert.deepEqual(series.times, [10, 10.5, 11, 12, 12.125, 12.25]);
	assert.deepEqual(series.values, [1, 2, 3, 4, 5, 9]);
	assert.deepEqual([9, 10, 10.6, 99].map((time) => series.valueAt(time)), [null, 1, 2, 9]);
	assert.equal(new Series({ name: 'node' }, '', 0).valueAt(1), null);
});

test('Times have the same width on each day', () => {
	const today = new Date();
	today.setHours(5, 4, 3);
	assert.equal(clockTime(today.getTime()), '05:04:03');
	assert.equal(clockTime(new Date(2001, 1, 3, 14, 5, 6).getTime()), '2001-02-03 14:05:06');
});
