const today = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const otherDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' });

/** A time of today as a clock shows it, any other with its date. */
export function clockTime(at) {
	const isToday = new Date(at).toDateString() === new Date().toDateString();
	return (isToday ? today : otherDay).format(at);
}
