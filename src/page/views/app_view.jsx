import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { placeOf } from '../place.js';
import { ClientsView } from './clients_view.jsx';
import { Frame } from './frame.jsx';
import { NewMessage } from './publish_form.jsx';
import { NodesView } from './nodes_view.jsx';
import { RetainedView } from './retained_view.jsx';
import { SignIn } from './sign_in.jsx';
import { useChanging } from './use_changing.js';

function usePlace() {
	const [place, setPlace] = useState(placeOf(location.hash));
	// Before anything else happens: nobody would tell of a change between drawing and watching.
	useLayoutEffect(() => {
		const follow = () => setPlace(placeOf(location.hash));
		addEventListener('hashchange', follow);
		return () => removeEventListener('hashchange', follow);
	}, []);
	return place;
}

function View({ app, place }) {
	if (place.view === 'publish') return <NewMessage app={app} />;
	if (place.view === 'clients' && app.isAdministrator) return <ClientsView app={app} />;
	if (place.view === 'retained' && app.isAdministrator) return <RetainedView app={app} />;
	return <NodesView app={app} />;
}

export function AppView({ app }) {
	useChanging(app);
	const place = usePlace();
	const isIn = app.phase === 'in';
	useEffect(() => {
		if (isIn) app.open(place.host, place.name);
		document.title = place.name ?? `Nodes of ${location.hostname}`;
	}, [app, isIn, place]);
	return (
		<>
			{isIn ? (
				<Frame app={app} view={place.view}>
					<View app={app} place={place} />
				</Frame>
			) : (
				<SignIn app={app} />
			)}
			<p class="unseen said" role="status">
				{isIn ? app.said : ''}
			</p>
		</>
	);
}
