// Bytes as hexdump -C shows them, so many in a line.
import { hexOf } from './payload.js';

const printable = (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.');

export function hexDump(payload, width = 16) {
	const lines = [];
	for (let offset = 0; offset < payload.length; offset += width) {
		const line = payload.subarray(offset, offset + width);
		lines.push(
			`${offset.toString(16).padStart(6, '0')}  ${hexOf(line).padEnd(3 * width)} ` +
				Array.from(line, printable).join(''),
		);
	}
	return lines.join('\n');
}
