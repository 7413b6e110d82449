// What stands around everything once somebody is in: who that is, the connection, and the ways to the views.
import { useEffect, useState } from 'preact/hooks';

function Seconds({ until }) {
	const [now, setNow] = useState(Date.now());
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), 500);
		return () => clearInterval(timer);
	}, []);
	return <>{Math.max(1, Math.ceil((until - now) / 1000))} s</>;
}

/** While the server has no room for a question. */
function Busy({ waiting }) {
	if (!waiting) return null;
	return (
		<div class="banner">
			<span>
				The server is busy: {waiting.why}. Asking again in <Seconds until={waiting.until} />.
			</span>
		</div>
	);
}

function Link({ app }) {
	const { link } = app;
	if (link.kind === 'connected') return <Busy waiting={app.requests?.waiting} />;
	return (
		<div class="banner">
			{link.kind === 'trying' ? (
				<span>Connecting …</span>
			) : (
				<>
					<span>
						{link.why} Trying again in <Seconds until={link.until} />. What is shown is from before that.
					</span>
					<button type="button" onClick={() => app.tryNow()}>
						Try now
					</button>
				</>
			)}
		</div>
	);
}

const ways = [
	['nodes', 'Nodes', '#'],
	['publish', 'Publish', '#publish'],
];
const waysOfAdministrators = [
	['clients', 'Clients', '#clients'],
	['retained', 'Retained', '#retained'],
];

export function Frame({ app, view, children }) {
	const shown = app.isAdministrator ? [...ways, ...waysOfAdministrators] : ways;
	return (
		<>
			<header>
				<nav aria-label="Views">
					{shown.map(([name, label, hash]) => (
						<a key={name} href={hash} aria-current={view === name ? 'page' : undefined}>
							{label}
						</a>
					))}
				</nav>
				<span
					class={`link ${app.link.kind}`}
					title={app.link.kind === 'connected' ? 'Connected' : 'Not connected'}
				/>
				<span class="account">{app.account ?? 'without an account'}</span>
				<button type="button" class="quiet" onClick={() => app.leave()}>
					Sign out
				</button>
			</header>
			<Link app={app} />
			{children}
		</>
	);
}
