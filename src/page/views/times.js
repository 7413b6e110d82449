// Times of this place, as they sort, and all of the same width.

const two = (number) => String(number).padStart(2, '0');

export const dayOf = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
export const hourOf = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;
export const secondOf = (date) => `${hourOf(date)}:${two(date.getSeconds())}`;

/** A time of today as a clock shows it, any other with its date. */
export function clockTime(at) {
	const date = new Date(at);
	const day = dayOf(date);
	return day === dayOf(new Date()) ? secondOf(date) : `${day} ${secondOf(date)}`;
}
