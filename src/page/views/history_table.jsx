// The last values of the open node: those that have come, and before them those that the server has stored.
import { useState } from 'preact/hooks';
import { preview, sizeOf } from '../values/payload.js';
import { clockTime } from './times.js';
import { useChanging } from './use_changing.js';

const atFirst = 20;
const everyMilliseconds = 250;

const shown = ({ payload, withheld }) => (withheld ? `${sizeOf(withheld)}, too large for the table` : preview(payload));

export function HistoryTable({ app, opened }) {
	const { history } = opened;
	useChanging(history, everyMilliseconds);
	const [most, setMost] = useState(atFirst);
	const known = history.live.size + history.stored.length;
	const more = async () => {
		if (known < most + atFirst && history.hasMore) await app.loadStored();
		setMost(most + 4 * atFirst);
	};
	const entries = history.newest(most);
	const hasPublishers = entries.some(({ publisher }) => publisher);
	return (
		<section aria-label="Last values" class="history">
			<table>
				<caption>Last values</caption>
				<thead>
					<tr>
						<th scope="col">When</th>
						<th scope="col">Value</th>
						{hasPublishers && (
							<th scope="col" class="publisher">
								Publisher
							</th>
						)}
					</tr>
				</thead>
				<tbody>
					{entries.map((entry, index) => (
						<tr key={index}>
							<td class="time">
								{entry.at === null ? (
									'not known'
								) : (
									<time dateTime={new Date(entry.at).toISOString()}>{clockTime(entry.at)}</time>
								)}
							</td>
							<td class="value">{shown(entry)}</td>
							{hasPublishers && <td class="publisher">{entry.publisher}</td>}
						</tr>
					))}
				</tbody>
			</table>
			{history.error && (
				<p class="error">
					The stored items did not come: {history.error.message}{' '}
					<button type="button" onClick={() => app.loadStored()}>
						Try again
					</button>
				</p>
			)}
			{entries.length === 0 && !history.error && <p class="hint">{history.isLoaded ? 'None yet.' : 'Loading …'}</p>}
			{entries.length > 0 && (history.hasMore || known > most) && (
				<button type="button" disabled={history.isLoading} onClick={more}>
					{history.isLoading ? 'Loading …' : 'More'}
				</button>
			)}
		</section>
	);
}
