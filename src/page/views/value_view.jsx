// A value as what it is. All of it is text to the document, but for pictures of four kinds.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { hexDump } from '../values/hex_dump.js';
import { jsonLines } from '../values/json_lines.js';
import { sizeOf, understand } from '../values/payload.js';
import { isNarrow } from './narrow.js';
import { useChanging } from './use_changing.js';

const most = { lines: 500, characters: 20_000, bytes: 4096 };

/** Shows the beginning of what is long, and all of it when asked for. */
function Long({ isCut, size, children }) {
	const [isWhole, setWhole] = useState(false);
	return (
		<>
			{children(isWhole)}
			{isCut && !isWhole && (
				<button type="button" onClick={() => setWhole(true)}>
					Show all of {sizeOf(size)}
				</button>
			)}
		</>
	);
}

function Text({ text, size }) {
	return (
		<Long isCut={text.length > most.characters} size={size}>
			{(isWhole) => <pre class="text">{isWhole ? text : text.slice(0, most.characters)}</pre>}
		</Long>
	);
}

function Bytes({ payload }) {
	return (
		<Long isCut={payload.length > most.bytes} size={payload.length}>
			{(isWhole) => (
				<pre class="hex">
					{hexDump(isWhole ? payload : payload.subarray(0, most.bytes), isNarrow() ? 8 : 16)}
				</pre>
			)}
		</Long>
	);
}

/** A number that a click puts into the plot, or takes out of it. */
function PlotButton({ app, opened, pointer, children }) {
	const series = app.board.series.find((one) => one.isOf(opened.node, pointer));
	const isChosen = app.board.isChosen(opened.node, pointer);
	const toggle = () => {
		if (isChosen) app.board.remove(series);
		else app.board.choose(opened.node, pointer, opened.history);
	};
	return (
		<button
			type="button"
			class={series ? `number series-${series.colour}` : 'number'}
			aria-pressed={isChosen}
			disabled={!isChosen && app.board.isFull}
			onClick={toggle}
			title={isChosen ? 'Take it out of the plot' : 'Keep it in the plot'}
		>
			{children}
		</button>
	);
}

function JsonLine({ app, opened, line }) {
	const { indent, key, text, pointer, isNumber, comma } = line;
	return (
		<div>
			{'  '.repeat(indent)}
			{key !== null && (
				<>
					<span class="key">{key}</span>:{' '}
				</>
			)}
			{isNumber ? (
				<PlotButton app={app} opened={opened} pointer={pointer}>
					{text}
				</PlotButton>
			) : (
				text
			)}
			{comma && ','}
		</div>
	);
}

function Json({ app, opened, text, size }) {
	useChanging(app.board);
	const { lines, isCut } = useMemo(() => jsonLines(text, most.lines), [text]);
	if (isCut) return <Text text={text} size={size} />;
	return (
		<>
			{lines.some(({ isNumber }) => isNumber) && <p class="hint">Click a number to plot it.</p>}
			<pre class="json">
				{lines.map((line, index) => (
					<JsonLine key={index} app={app} opened={opened} line={line} />
				))}
			</pre>
		</>
	);
}

function NumberValue({ app, opened, text }) {
	useChanging(app.board);
	return (
		<p class="big">
			<PlotButton app={app} opened={opened} pointer="">
				{text}
			</PlotButton>
		</p>
	);
}

function Picture({ payload, type }) {
	const [url, setUrl] = useState(null);
	const [isBroken, setBroken] = useState(false);
	useEffect(() => {
		const made = URL.createObjectURL(new Blob([payload], { type }));
		setUrl(made);
		setBroken(false);
		return () => URL.revokeObjectURL(made);
	}, [payload, type]);
	if (isBroken)
		return (
			<>
				<p>This begins like a picture ({type}), but the browser cannot show it.</p>
				<Bytes payload={payload} />
			</>
		);
	return (
		<p>
			{url && (
				<img src={url} alt={`The node's picture, ${sizeOf(payload.length)}`} onError={() => setBroken(true)} />
			)}
		</p>
	);
}

export function ValueView({ app, opened, payload }) {
	const understood = useMemo(() => understand(payload), [payload]);
	const { kind, text, type } = understood;
	if (kind === 'nothing') return <p>Nothing: the value is empty.</p>;
	if (kind === 'picture') return <Picture payload={payload} type={type} />;
	if (kind === 'number') return <NumberValue app={app} opened={opened} text={text.trim()} />;
	if (kind === 'json') return <Json app={app} opened={opened} text={text} size={payload.length} />;
	if (kind === 'text') return <Text text={text} size={payload.length} />;
	return <Bytes payload={payload} />;
}
