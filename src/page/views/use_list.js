import { useCallback, useEffect, useState } from 'preact/hooks';

/**
 * A list that the server gives in pages: `ask(requests, after)` gives { entries, next }; a new one begins the list
 * anew. `requests` is null while there is no connection. Gives { entries, next, error, isLoading, more, again }.
 */
export function useList(requests, ask) {
	const [list, setList] = useState({ entries: [], next: null, error: null });
	const [isLoading, setLoading] = useState(true);
	const load = useCallback(
		async (before, after) => {
			if (!requests) return;
			setLoading(true);
			try {
				const { entries, next } = await ask(requests, after);
				setList({ entries: [...before, ...entries], next: next ?? null, error: null });
			} catch (error) {
				setList({ entries: before, next: after ?? null, error }); // More asks for the same again
			}
			setLoading(false);
		},
		[requests, ask],
	);
	const again = useCallback(() => load([]), [load]);
	useEffect(() => {
		again();
	}, [again]);
	return { ...list, isLoading, again, more: () => load(list.entries, list.next) };
}
