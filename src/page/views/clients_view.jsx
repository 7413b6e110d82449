// For administrators: the clients of the server, and an end to one.
import { useCallback, useState } from 'preact/hooks';
import { askClients, closeClient } from '../nodes/server.js';
import { useList } from './use_list.js';

const columns = [
	['client', 'Client'], ['account', 'Account'], ['address', 'Address'], ['transport', 'Over'], ['version', 'MQTT'],
	['connected_since', 'Since'], ['filters', 'Filters'], ['queued', 'Queued'], ['in_flight', 'In flight'], ['dropped', 'Dropped'],
];

const cell = (value) => (value === null || value === undefined ? '–' : String(value));

export function ClientsView({ app }) {
	const { requests } = app;
	const [contains, setContains] = useState('');
	const ask = useCallback(async (after) => {
		const { clients, next } = await askClients(requests, contains, after);
		return { entries: clients, next };
	}, [requests, contains]);
	const list = useList(ask);
	const close = async ({ client }) => {
		if (!confirm(`Close the connection of ${client}?`)) return;
		try {
			await closeClient(requests, client);
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
					<thead><tr>{columns.map(([name, label]) => <th key={name} scope="col">{label}</th>)}<td /></tr></thead>
					<tbody>
						{list.entries.map((client, index) => (
							<tr key={index}>
								{columns.map(([name]) => <td key={name}>{cell(client[name])}</td>)}
								<td><button type="button" aria-label={`Close ${client.client}`} onClick={() => close(client)}>Close</button></td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
			{list.next !== null && <button type="button" disabled={list.isLoading} onClick={list.more}>More</button>}
		</main>
	);
}
