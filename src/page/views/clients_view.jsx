// For administrators: the clients of the server, and an end to one.
import { useCallback, useState } from 'preact/hooks';
import { askClients, closeClient } from '../nodes/server.js';
import { clockTime } from './times.js';
import { useList } from './use_list.js';

const connectedOrAway = ({ connected, connected_since: since, away_since: away }) => (
	connected ? `connected since ${timeOf(since)}` : `away since ${timeOf(away)}`
);
const timeOf = (text) => (text ? clockTime(Date.parse(text)) : '–');

const columns = [
	['Client', ({ client }) => client],
	['Account', ({ account }) => account],
	['Address', ({ address }) => address],
	['Over', ({ transport }) => transport],
	['MQTT', ({ version }) => version],
	['State', connectedOrAway],
	['Filters', ({ filters }) => filters],
	['Queued', ({ queued }) => queued],
	['In flight', ({ in_flight: inFlight }) => inFlight],
	['Dropped', ({ dropped }) => dropped],
];

const shown = (value) => (value === null || value === undefined ? '–' : String(value));

export function ClientsView({ app }) {
	const { requests } = app;
	const [contains, setContains] = useState('');
	const ask = useCallback(async (asked, after) => {
		const { clients, next } = await askClients(asked, contains, after);
		return { entries: clients, next };
	}, [contains]);
	const list = useList(requests, ask);
	const close = async (one) => {
		const { client } = one;
		if (!confirm(`Close the connection of ${client}?`)) return;
		try {
			await closeClient(requests, one);
			app.say(`${client} is closed.`);
		} catch (error) {
			app.say(`${client} is not closed: ${error.message}`);
		}
		list.again();
	};
	return (
		<main class="single">
			<h1>Clients</h1>
			<div class="tools">
				<input type="search" aria-label="Client, account or address contains" placeholder="Contains" value={contains}
					onChange={(event) => setContains(event.target.value)} />
				<button type="button" disabled={list.isLoading} onClick={list.again}>Refresh</button>
			</div>
			{list.error && <p class="error">{list.error.message}</p>}
			<div class="wide">
				<table>
					<thead><tr>{columns.map(([label]) => <th key={label} scope="col">{label}</th>)}<td /></tr></thead>
					<tbody>
						{list.entries.map((one, index) => (
							<tr key={index}>
								{columns.map(([label, valueOf]) => <td key={label}>{shown(valueOf(one))}</td>)}
								<td>
									{one.connected && (
										<button type="button" aria-label={`Close ${one.client}`} onClick={() => close(one)}>Close</button>
									)}
								</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
			{list.next !== null && <button type="button" disabled={list.isLoading} onClick={list.more}>More</button>}
		</main>
	);
}
