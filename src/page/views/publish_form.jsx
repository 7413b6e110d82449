// Publishing: to the node that is open, or to any.
import { useState } from 'preact/hooks';
import { types } from '../mqtt/topics.js';
import { placeOfNode } from '../place.js';

const meanings = {
	any: 'any – whatever it is',
	json: 'json – JSON',
	utf8: 'utf8 – text',
	atom_title: 'atom_title – the title of an Atom entry',
	xml: 'xml – an element with a namespace',
	binary: 'binary – bytes of a file',
};

async function payloadOf(form, type) {
	const file = form.elements.file?.files[0];
	return type === 'binary' && file ? new Uint8Array(await file.arrayBuffer()) : form.elements.payload.value;
}

export function PublishForm({ app, host, name, mayPublish }) {
	const [type, setType] = useState('any');
	const [answer, setAnswer] = useState(null); // { text, isError, way }
	const tell = (text, isError, way = null) => {
		setAnswer({ text, isError, way });
		app.say(text);
	};
	const send = async (payload, form, what) => {
		const retain = what === 'clear' || form.elements.retain.checked;
		const to = { host: host ?? form.elements.host.value, name: name ?? form.elements.name.value };
		try {
			await app.publish(to.host, type, to.name, payload, retain);
			const way = name === null ? placeOfNode(to.host, to.name) : null;
			tell(what === 'clear' ? 'The retained message is cleared.' : 'Published.', false, way);
		} catch (error) {
			tell(`Not published: ${error.message}`, true);
		}
	};
	const submit = async (event) => {
		event.preventDefault();
		const form = event.currentTarget;
		await send(await payloadOf(form, type), form, 'publish');
	};
	return (
		<form class="publish" onSubmit={submit}>
			{!host && (
				<>
					<label>
						Host{' '}
						<select name="host">
							{app.hosts.map((one) => (
								<option key={one.host}>{one.host}</option>
							))}
						</select>
					</label>
					<label>
						Node{' '}
						<input
							name="name"
							required
							autocapitalize="none"
							spellcheck={false}
							placeholder="kitchen/temperature"
						/>
					</label>
				</>
			)}
			{!mayPublish && <p class="hint">You may not publish here: the server will refuse.</p>}
			<label>
				Type{' '}
				<select name="type" value={type} onChange={(event) => setType(event.target.value)}>
					{['any', ...types.filter((one) => one !== 'any')].map((one) => (
						<option key={one} value={one}>
							{meanings[one]}
						</option>
					))}
				</select>
			</label>
			{type === 'binary' && (
				<label>
					File <input type="file" name="file" />
				</label>
			)}
			<label>
				Payload <textarea name="payload" rows={3} spellcheck={false} />
			</label>
			<label class="check">
				<input type="checkbox" name="retain" /> Retain: who subscribes later gets it at once
			</label>
			<p class="buttons">
				<button class="main">Publish</button>
				<button type="button" onClick={(event) => send('', event.currentTarget.form, 'clear')}>
					Clear what is retained
				</button>
			</p>
			{answer && (
				<p class={answer.isError ? 'error' : 'done'}>
					{answer.text} {answer.way && <a href={answer.way}>Look at the node</a>}
				</p>
			)}
		</form>
	);
}

export function NewMessage({ app }) {
	return (
		<main class="single">
			<h1>Publish</h1>
			<p>To a node that is there, or to a new one where you may create it.</p>
			<PublishForm app={app} host={null} name={null} mayPublish />
		</main>
	);
}
