import { useCallback, useEffect, useState } from 'preact/hooks';

/**
 * A list that the server gives in pages. `ask(after)` gives { entries, next }; a new one begins the list anew.
 * Gives { entries, next, error, isLoading, more, again }.
 */
export function useList(ask) {
	const [list, setList] = useState({ entries: [], next: null, error: null });
	const [isLoading, setLoading] = useState(false);
	const load = useCallback(async (before, after) => {
		setLoading(true);
		try {
			const { entries, next } = await ask(after);
			setList({ entries: [...before, ...entries], next: next ?? null, error: null });
		} catch (error) {
			setList({ entries: before, next: null, error });
		}
		setLoading(false);
	}, [ask]);
	const again = useCallback(() => load([]), [load]);
	useEffect(() => { again(); }, [again]);
	return { ...list, isLoading, again, more: () => load(list.entries, list.next) };
}
