// For administrators: the retained messages below a filter.
import { useCallback, useState } from 'preact/hooks';
import { partsOf } from '../mqtt/topics.js';
import { askRetained } from '../nodes/server.js';
import { placeOfNode } from '../place.js';
import { preview, sizeOf } from '../values/payload.js';
import { Empty } from './empty.jsx';
import { useList } from './use_list.js';

const wayTo = (topic) => {
	const { host, node } = partsOf(topic);
	return placeOfNode(host, node);
};

export function RetainedView({ app }) {
	const { requests } = app;
	const [filter, setFilter] = useState(`${app.hosts[0]?.host ?? '+'}/any/#`);
	const ask = useCallback(
		async (asked, after) => {
			const { retained, next } = await askRetained(asked, filter, after);
			return { entries: retained, next };
		},
		[filter],
	);
	const list = useList(requests, ask);
	return (
		<main class="single">
			<h1>Retained messages</h1>
			<div class="tools">
				<input
					aria-label="Filter, as in SUBSCRIBE"
					value={filter}
					onChange={(event) => setFilter(event.target.value)}
					autocapitalize="none"
					spellcheck={false}
				/>
				<button type="button" disabled={list.isLoading} onClick={list.again}>
					Refresh
				</button>
			</div>
			{list.error && <p class="error">{list.error.message}</p>}
			<table class="cards">
				<thead>
					<tr>
						<th scope="col">Topic</th>
						<th scope="col">Size</th>
						<th scope="col">Payload</th>
					</tr>
				</thead>
				<tbody>
					{list.entries.map(({ topic, bytes, payload }) => (
						<tr key={topic}>
							<td>
								<a href={wayTo(topic)}>{topic}</a>
							</td>
							<td data-label="Size" class="size">{sizeOf(bytes)}</td>
							<td data-label="Payload" class="value">
								{payload ? preview(payload) : 'too large for the list'}
							</td>
						</tr>
					))}
				</tbody>
			</table>
			<Empty list={list} text="Nothing is retained there." />
			{list.next !== null && (
				<button type="button" disabled={list.isLoading} onClick={list.more}>
					More
				</button>
			)}
		</main>
	);
}
