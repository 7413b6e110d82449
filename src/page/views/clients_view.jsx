// For administrators: the clients of the server, and an end to one.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { askClients, closeClient } from '../nodes/server.js';
import { clockTime } from './times.js';
import { Empty } from './empty.jsx';
import { useList } from './use_list.js';

const connectedOrAway = ({ connected, connected_since: since, away_since: away }) =>
	connected ? `connected since ${timeOf(since)}` : `away since ${timeOf(away)}`;
const timeOf = (text) => (text ? clockTime(Date.parse(text)) : '–');

const columns = [
	['Client', ({ client }) => client],
	['Account', ({ account }) => account],
	['Address', ({ address }) => address],
	['Transport', ({ transport }) => transport],
	['MQTT', ({ version }) => version],
	['State', connectedOrAway],
	['Filters', ({ filters }) => filters],
	['Queued', ({ queued }) => queued],
	['In flight', ({ in_flight: inFlight }) => inFlight],
	['Dropped', ({ dropped }) => dropped],
];

const whileTyping = 300; // milliseconds

/** What is typed, once that has stopped. */
function useSettled(text) {
	const [settled, setSettled] = useState(text);
	useEffect(() => {
		const timer = setTimeout(() => setSettled(text), whileTyping);
		return () => clearTimeout(timer);
	}, [text]);
	return settled;
}

const shown = (value) => (value === null || value === undefined ? '–' : String(value));

export function ClientsView({ app }) {
	const { requests } = app;
	const [typed, setTyped] = useState('');
	const contains = useSettled(typed);
	const [notice, setNotice] = useState(null); // { text, isError }
	const ask = useCallback(
		async (asked, after) => {
			const { clients, next } = await askClients(asked, contains, after);
			return { entries: clients, next };
		},
		[contains],
	);
	const list = useList(requests, ask);
	const close = async (one) => {
		const { client } = one;
		if (!confirm(`Close the connection of ${client}?`)) return;
		const tell = (text, isError) => {
			setNotice({ text, isError });
			app.say(text);
		};
		try {
			await closeClient(requests, one);
			tell(`${client} is closed.`, false);
		} catch (error) {
			tell(`${client} is not closed: ${error.message}`, true);
		}
		list.again();
	};
	return (
		<main class="single">
			<h1>Clients</h1>
			<div class="tools">
				<input
					type="search"
					aria-label="Client, account or address contains"
					placeholder="Client, account or address"
					value={typed}
					onInput={(event) => setTyped(event.target.value)}
				/>
				<button type="button" disabled={list.isLoading} onClick={list.again}>
					Refresh
				</button>
			</div>
			{list.error && <p class="error">{list.error.message}</p>}
			{notice && <p class={notice.isError ? 'error' : 'done'}>{notice.text}</p>}
			<div class="wide">
				<table class="cards">
					<thead>
						<tr>
							{columns.map(([label]) => (
								<th key={label} scope="col">
									{label}
								</th>
							))}
							<td />
						</tr>
					</thead>
					<tbody>
						{list.entries.map((one, index) => (
							<tr key={index}>
								{columns.map(([label, valueOf]) => (
									<td key={label} data-label={label}>
										{shown(valueOf(one))}
									</td>
								))}
								<td>
									{one.connected && (
										<button
											type="button"
											aria-label={`Close ${one.client}`}
											disabled={!requests}
											onClick={() => close(one)}
										>
											Close
										</button>
									)}
								</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
			<Empty list={list} text={contains ? 'No client has that in it.' : 'There is no client.'} />
			{list.next !== null && (
				<button type="button" disabled={list.isLoading} onClick={list.more}>
					More
				</button>
			)}
		</main>
	);
}
