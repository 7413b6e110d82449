import { useState } from 'preact/hooks';

export function SignIn({ app }) {
	const [name, setName] = useState('');
	const [password, setPassword] = useState('');
	const isEntering = app.phase === 'entering';
	const submit = (event) => {
		event.preventDefault();
		app.enter(name.trim(), password);
		setPassword('');
	};
	return (
		<main class="sign-in">
			<h1>Nodes of {location.hostname}</h1>
			<form onSubmit={submit}>
				<label>
					XMPP account
					<input
						name="username"
						autocomplete="username"
						placeholder="you@example.org"
						required
						autofocus
						autocapitalize="none"
						spellcheck={false}
						value={name}
						onInput={(event) => setName(event.target.value)}
					/>
				</label>
				<label>
					Password
					<input
						name="password"
						type="password"
						autocomplete="current-password"
						required
						value={password}
						onInput={(event) => setPassword(event.target.value)}
					/>
				</label>
				<p class="error" role="alert">
					{app.error}
				</p>
				<button class="main" disabled={isEntering}>
					{isEntering ? 'Signing in …' : 'Sign in'}
				</button>
				<button type="button" class="quiet" disabled={isEntering} onClick={() => app.enter(null, null)}>
					Look without an account
				</button>
			</form>
			<p class="hint">
				<a href="licenses.txt">Licences of what this page is made of</a>
			</p>
		</main>
	);
}
