/** What stands in the place of a list's rows where there are none. `list` is what useList() gives. */
export function Empty({ list, text }) {
	if (list.entries.length > 0 || list.error) return null;
	return <p class="hint">{list.isLoading ? 'Loading …' : text}</p>;
}
