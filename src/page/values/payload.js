// What the bytes that a device has sent are. They are shown as text or picture, never as markup.

export const areEqual = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const beginnings = [
	['image/png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
	['image/jpeg', [0xff, 0xd8, 0xff]],
	['image/gif', [0x47, 0x49, 0x46, 0x38]],
];

const isAt = (payload, offset, bytes) => bytes.every((byte, index) => payload[offset + index] === byte);

/** The type of a picture that browsers show without running anything of it: never SVG. Null: it is none. */
export function pictureType(payload) {
	for (const [type, bytes] of beginnings) {
		if (isAt(payload, 0, bytes)) return type;
	}
	const isWebp = isAt(payload, 0, [0x52, 0x49, 0x46, 0x46]) && isAt(payload, 8, [0x57, 0x45, 0x42, 0x50]);
	return isWebp ? 'image/webp' : null;
}

/** Null: it is no text. */
export function textOf(payload) {
	try {
		const text = utf8.decode(payload);
		return text.includes('\0') ? null : text;
	} catch {
		return null;
	}
}

/** A JSON value, or undefined. */
export function jsonOf(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

const isTree = (value) => typeof value === 'object' && value !== null;

/**
 * { kind, ... }: "picture" with its type, "json" (an object or an array) with text and value, "number" with text and
 * value, "text" with text, "nothing", "bytes".
 */
export function understand(payload) {
	if (payload.length === 0) return { kind: 'nothing' };
	const type = pictureType(payload);
	if (type) return { kind: 'picture', type };
	const text = textOf(payload);
	if (text === null) return { kind: 'bytes' };
	const value = jsonOf(text);
	if (isTree(value)) return { kind: 'json', text, value };
	if (typeof value === 'number') return { kind: 'number', text, value };
	return { kind: 'text', text };
}

const previewBytes = 240;
const previewCharacters = 80;

/** The text at the beginning; a character of UTF-8 that the cut divides is no reason to take text for bytes. */
function beginningOf(payload) {
	if (payload.length <= previewBytes) return textOf(payload);
	for (let end = previewBytes; end > previewBytes - 4; end--) {
		const text = textOf(payload.subarray(0, end));
		if (text !== null) return text;
	}
	return null;
}

/** A line of it. */
export function preview(payload) {
	if (pictureType(payload)) return `picture, ${sizeOf(payload.length)}`;
	const text = beginningOf(payload);
	if (text === null) return `${hexOf(payload.subarray(0, 16))}${payload.length > 16 ? ' …' : ''}`;
	const line = text.slice(0, previewCharacters).replace(/\s+/g, ' ');
	return text.length > previewCharacters || payload.length > previewBytes ? `${line}…` : line;
}

export const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

export function sizeOf(bytes) {
	if (bytes < 1024) return `${bytes} B`;
	if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
	return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
