// JSON, a line for each value, indented, with each scalar as it was sent.
import { below } from './json_pointer.js';

const token = /"(?:[^"\\]|\\.)*"|[-+.\w]+|[{}[\],:]/g;

/**
 * Of a text that is valid JSON, at most so many lines of { indent, key, text, pointer, isNumber, comma }; `key` is null
 * inside an array; `text` is a bracket or a scalar. { lines, isCut }.
 */
export function jsonLines(json, most) {
	const lines = [];
	const open = []; // { pointer, isArray, index }
	let key = null;
	const tokens = json.matchAll(token);
	for (const [text] of tokens) {
		if (lines.length >= most) return { lines, isCut: true };
		const inside = open.at(-1);
		if (text === ':') continue;
		if (text === ',') {
			lines.at(-1).comma = true;
			if (inside.isArray) inside.index++;
			continue;
		}
		if (text === '}' || text === ']') {
			open.pop();
			close(lines, text, open.length);
			continue;
		}
		if (inside && !inside.isArray && key === null) {
			key = text;
			continue;
		}
		const pointer = inside ? below(inside.pointer, inside.isArray ? inside.index : JSON.parse(key)) : '';
		const isNumber = /^[-\d]/.test(text);
		lines.push({ indent: open.length, key, text, pointer, isNumber, comma: false });
		key = null;
		if (text === '{' || text === '[') open.push({ pointer, isArray: text === '[', index: 0 });
	}
	return { lines, isCut: false };
}

/** An empty object or array is one line. */
function close(lines, bracket, indent) {
	const last = lines.at(-1);
	if ((last.text === '{' || last.text === '[') && last.indent === indent) last.text += bracket;
	else lines.push({ indent, key: null, text: bracket, pointer: null, isNumber: false, comma: false });
}
