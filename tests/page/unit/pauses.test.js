// How long the page waits before it tries again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pauses } from '../../../src/page/mqtt/pauses.js';

function assertAbout(pause, most) {
	assert.ok(pause >= most / 2 && pause <= most, `${pause} is not about ${most}`);
}

test('Each pause is about twice as long as the one before, up to the longest, and they begin anew', () => {
	const pauses = new Pauses(1000, 5000);
	for (const most of [1000, 2000, 4000, 5000, 5000]) assertAbout(pauses.next(), most);
	pauses.reset();
	assertAbout(pauses.next(), 1000);
});
