// The plot of what Board holds, with uPlot, and what it shows in words.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { useChanging } from './use_changing.js';

const everyMilliseconds = 100;
const height = 260;
const spans = [[0, 'all'], [60, 'the last minute'], [600, 'the last 10 minutes'], [3600, 'the last hour'], [86_400, 'the last day']];

const colourOf = (colour) => getComputedStyle(document.documentElement).getPropertyValue(`--series-${colour}`).trim();
const textColour = () => getComputedStyle(document.documentElement).getPropertyValue('--text').trim();
const gridColour = () => getComputedStyle(document.documentElement).getPropertyValue('--line').trim();

/** uPlot wants one row of times for all. */
const dataOf = (series) => (series.length === 1 ? [series[0].times, series[0].values]
	: uPlot.join(series.map(({ times, values }) => [times, values])));

function optionsOf(series, width, span) {
	const axis = { stroke: textColour(), grid: { stroke: gridColour(), width: 1 }, ticks: { stroke: gridColour(), width: 1 } };
	return {
		width,
		height,
		legend: { show: false },
		cursor: { drag: { x: false, y: false } },
		scales: { x: { range: () => rangeOf(series, span.current) } },
		axes: [axis, { ...axis, size: 60 }],
		series: [{}, ...series.map(({ colour, label }) => ({
			label, stroke: colourOf(colour), width: 2, spanGaps: true, points: { size: 4 },
		}))],
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

function Canvas({ board, series, span }) {
	const place = useRef(null);
	const plot = useRef(null);
	const currentSpan = useRef(span);
	currentSpan.current = span;
	const isDark = useDark();
	const what = series.map(({ colour, label }) => `${colour} ${label}`).join('\n');
	useEffect(() => {
		const { current } = place;
		const made = new uPlot(optionsOf(series, current.clientWidth, currentSpan), dataOf(series), current);
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
	return `A plot. ${series.map(({ label, values }) => {
		if (values.length === 0) return `${label}: no numbers yet.`;
		const least = values.reduce((one, other) => Math.min(one, other));
		const most = values.reduce((one, other) => Math.max(one, other));
		return `${label}: ${values.length} numbers from ${least} to ${most}, the last one ${values.at(-1)}.`;
	}).join(' ')}`;
}

function Legend({ app, board, series }) {
	return (
		<ul class="legend">
			{series.map((one) => (
				<li key={one.colour}>
					<span class={`swatch series-${one.colour}`} />
					<span class="label">{one.label}</span>
					<span class="last">{one.last ?? '–'}</span>
					{one === board.passing && (
						<button type="button" disabled={board.isFull} onClick={() => board.choose(one.node, one.pointer, app.opened.history)}>
							Keep, to compare with others
						</button>
					)}
					{one !== board.passing && <button type="button" onClick={() => board.remove(one)}>Remove</button>}
				</li>
			))}
		</ul>
	);
}

export function PlotView({ app }) {
	const { board } = app;
	useChanging(board, everyMilliseconds);
	const [span, setSpan] = useState(0);
	const { series } = board;
	if (series.length === 0) return null;
	return (
		<section aria-label="Plot" class="plot">
			<label class="span">
				Show <select value={span} onChange={(event) => setSpan(Number(event.target.value))}>
					{spans.map(([seconds, name]) => <option key={seconds} value={seconds}>{name}</option>)}
				</select>
			</label>
			<Canvas board={board} series={series} span={span} />
			<Legend app={app} board={board} series={series} />
		</section>
	);
}
