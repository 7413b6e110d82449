// The plot of what Board holds, with uPlot, and what it shows in words.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { clockTime, dayOf, hourOf, secondOf } from './times.js';
import { useChanging } from './use_changing.js';

const everyMilliseconds = 100;
const height = 260;
const spans = [
	[0, 'all'],
	[60, 'the last minute'],
	[600, 'the last 10 minutes'],
	[3600, 'the last hour'],
	[86_400, 'the last day'],
];

const colourOf = (colour) => getComputedStyle(document.documentElement).getPropertyValue(`--series-${colour}`).trim();
const textColour = () => getComputedStyle(document.documentElement).getPropertyValue('--text').trim();
const gridColour = () => getComputedStyle(document.documentElement).getPropertyValue('--line').trim();

/** uPlot wants one row of times for all. */
const dataOf = (series) =>
	series.length === 1
		? [series[0].times, series[0].values]
		: uPlot.join(series.map(({ times, values }) => [times, values]));

/** What stands below the lines of the grid, which are so many seconds from each other; the day where one begins. */
function timesOf(seconds, step) {
	let before = null;
	return seconds.map((second) => {
		const date = new Date(second * 1000);
		const day = dayOf(date);
		const time = step < 60 ? secondOf(date) : hourOf(date);
		const text = day === before ? time : `${step < 86_400 ? time : ''}\n${day}`;
		before = day;
		return text;
	});
}

const leastWidth = 40; // half of a date, which may stand below the plot's left edge

/** The width of the longest number beside the plot. */
function widthOf(plot, numbers, index, round) {
	const axis = plot.axes[index];
	if (round > 1) return axis._size; // or it goes on for ever
	const longest = (numbers ?? []).reduce((one, other) => (other.length > one.length ? other : one), '');
	[plot.ctx.font] = axis.font;
	const width = axis.ticks.size + axis.gap + plot.ctx.measureText(longest).width / devicePixelRatio;
	return Math.max(leastWidth, Math.ceil(width));
}

function optionsOf(series, width, span, onCursor) {
	const axis = {
		stroke: textColour(),
		grid: { stroke: gridColour(), width: 1 },
		ticks: { stroke: gridColour(), width: 1, size: 6 },
	};
	return {
		width,
		height,
		legend: { show: false },
		cursor: { drag: { x: false, y: false } },
		hooks: { setCursor: [({ cursor: { idx }, data: [times] }) => onCursor(times[idx] ?? null)] },
		scales: { x: { range: () => rangeOf(series, span.current) } },
		axes: [
			{ ...axis, space: 80, values: (_plot, seconds, _axis, _space, step) => timesOf(seconds, step) },
			{ ...axis, size: widthOf },
		],
		series: [
			{},
			...series.map(({ colour, label }) => ({
				label,
				stroke: colourOf(colour),
				width: 2,
				spanGaps: true,
				points: { size: 4 },
			})),
		],
	};
}

/** From the first time to the last one, or so many seconds before it. uPlot makes years of a single time. */
function rangeOf(series, span) {
	const times = series.filter((one) => one.times.length > 0);
	const least = Math.min(...times.map((one) => one.times[0]));
	const most = Math.max(...times.map((one) => one.times.at(-1)));
	if (times.length === 0) return [Date.now() / 1000 - 60, Date.now() / 1000];
	if (span > 0) return [most - span, most];
	return least === most ? [least - 30, most + 30] : [least, most];
}

function useDark() {
	const [isDark, setDark] = useState(matchMedia('(prefers-color-scheme: dark)').matches);
	useEffect(() => {
		const query = matchMedia('(prefers-color-scheme: dark)');
		const follow = () => setDark(query.matches);
		query.addEventListener('change', follow);
		return () => query.removeEventListener('change', follow);
	}, []);
	return isDark;
}

function Canvas({ board, series, span, onCursor }) {
	const place = useRef(null);
	const plot = useRef(null);
	const currentSpan = useRef(span);
	currentSpan.current = span;
	const isDark = useDark();
	const what = series.map(({ colour, label }) => `${colour} ${label}`).join('\n');
	useEffect(() => {
		const { current } = place;
		const made = new uPlot(
			optionsOf(series, current.clientWidth, currentSpan, onCursor),
			dataOf(series),
			current,
		);
		plot.current = made;
		const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height }));
		observer.observe(current);
		return () => {
			observer.disconnect();
			made.destroy();
		};
	}, [what, isDark]);
	useEffect(() => plot.current.setData(dataOf(series)), [board.version, span]);
	return <div ref={place} class="canvas" role="img" aria-label={describe(series)} />;
}

function describe(series) {
	return `A plot. ${series
		.map(({ label, values }) => {
			if (values.length === 0) return `${label}: no numbers yet.`;
			const least = values.reduce((one, other) => Math.min(one, other));
			const most = values.reduce((one, other) => Math.max(one, other));
			return `${label}: ${values.length} numbers from ${least} to ${most}, the last one ${values.at(-1)}.`;
		})
		.join(' ')}`;
}

/** With the values at a time, where there is one, else the last ones. */
function Legend({ app, board, series, time }) {
	return (
		<ul class="legend">
			{series.map((one) => (
				<li key={one.colour}>
					<span class={`swatch series-${one.colour}`} />
					<span class="label">{one.label}</span>
					<span class="last">{(time === null ? one.last : one.valueAt(time)) ?? '–'}</span>
					{one === board.passing && (
						<button
							type="button"
							disabled={board.isFull}
							title="It stays while you look at other nodes"
							onClick={() => board.choose(one.node, one.pointer, app.opened.history)}
						>
							Keep
						</button>
					)}
					{one !== board.passing && (
						<button type="button" onClick={() => board.remove(one)}>
							Remove
						</button>
					)}
				</li>
			))}
		</ul>
	);
}

export function PlotView({ app }) {
	const { board } = app;
	useChanging(board, everyMilliseconds);
	const [span, setSpan] = useState(0);
	const [time, setTime] = useState(null); // where the mouse is
	const { series } = board;
	if (series.length === 0) return null;
	return (
		<section aria-label="Plot" class="plot">
			<div class="plot-head">
				<h3>Plot</h3>
				<span class="cursor">{time === null ? '' : clockTime(time * 1000)}</span>
				<label>
					Show{' '}
					<select value={span} onChange={(event) => setSpan(Number(event.target.value))}>
						{spans.map(([seconds, name]) => (
							<option key={seconds} value={seconds}>
								{name}
							</option>
						))}
					</select>
				</label>
			</div>
			<Canvas board={board} series={series} span={span} onCursor={setTime} />
			<Legend app={app} board={board} series={series} time={time} />
		</section>
	);
}
