// Where in a JSON value something stands: a JSON Pointer (RFC 6901); "" is all of it.

const escaped = (key) => String(key).replaceAll('~', '~0').replaceAll('/', '~1');
const holds = (value, key) => Object.prototype.propertyIsEnumerable.call(value, key); // not an array's "length"
const unescaped = (key) => key.replaceAll('~1', '/').replaceAll('~0', '~');

export const below = (pointer, key) => `${pointer}/${escaped(key)}`;

/** The number there, or null. */
export function numberAt(value, pointer) {
	let found = value;
	for (const key of pointer.split('/').slice(1).map(unescaped)) {
		if (typeof found !== 'object' || found === null || !holds(found, key)) return null;
		found = found[key];
	}
	return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

/** The pointer to the first number, which may be the value itself. Null: there is none. */
export function firstNumber(value, pointer = '', depth = 0) {
	if (numberAt(value, '') !== null) return pointer;
	if (typeof value !== 'object' || value === null || depth === 20) return null;
	for (const [key, part] of Object.entries(value)) {
		const found = firstNumber(part, below(pointer, key), depth + 1);
		if (found !== null) return found;
	}
	return null;
}
