import { useEffect, useReducer } from 'preact/hooks';

/** Draws a view again when the thing has changed, at most every so many milliseconds. */
export function useChanging(thing, milliseconds = 0) {
	const [, draw] = useReducer((count) => count + 1, 0);
	const drawn = thing.version;
	useEffect(() => {
		let last = 0;
		let timer = null;
		const now = () => {
			timer = null;
			last = performance.now();
			draw();
		};
		const follow = () => {
			if (timer !== null) return;
			const rest = last + milliseconds - performance.now();
			if (rest <= 0) now();
			else timer = setTimeout(now, rest);
		};
		const unwatch = thing.watch(follow);
		if (thing.version !== drawn) follow(); // between drawing and watching
		return () => {
			unwatch();
			clearTimeout(timer);
		};
	}, [thing, milliseconds]);
}
