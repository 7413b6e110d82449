// A Prosody of the test's own, with the module: a folder, free ports, a process, and nothing left of them afterwards.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { patience } from './patience.js';
import { claimPort } from './ports.js';
import { Program, run } from './processes.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const modules = process.env.PUBSUB_MQTT_MODULES ?? path.join(root, 'build/modules');
const harness = path.join(root, 'tests/integration/harness/modules');
// PROSODY="chroot FOLDER prosody" tests another one, say.
const prosody = (process.env.PROSODY ?? 'prosody').split(' ');
const prosodyctl = [...prosody.slice(0, -1), 'prosodyctl'];

export const password = 'secret';

const configuration = (self, more) => `
run_as_root = true
data_path = "${self.folder}/data"
pidfile = "${self.folder}/prosody.pid"
certificates = "${self.folder}/certs"
plugin_paths = { "${modules}", "${harness}" }
log = { { to = "console", levels = { min = "debug" } } }

modules_enabled = { "roster", "saslauth", "disco", "ping", "admin_shell", "harness_ready" }
modules_disabled = { "s2s" }
admins = { "admin@localhost" }
c2s_interfaces = { "127.0.0.1" }
c2s_ports = { ${self.ports.xmpp} }
c2s_direct_tls_ports = {}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true

mqtt_ports = { ${self.ports.mqtt} }
mqtt_tls_ports = { ${self.ports.tls} }
mqtt_tls_interfaces = { "127.0.0.1" }
mqtt_users_create_nodes = true
mqtt_connect_timeout = ${patience / 1000}
${more}

VirtualHost "localhost" -- SCRAM-SHA-1, Prosody's default
VirtualHost "sha256.localhost"
	password_hash = "SHA-256"
VirtualHost "plain.localhost" -- its accounts are stored in plain, each exchange has another salt
	authentication = "internal_plain"
VirtualHost "without-scram.localhost"
	authentication = "harness"

Component "pubsub.localhost" "pubsub"
	modules_enabled = { "pubsub_mqtt" }
	storage = "pubsub_mqtt"
	name = "Things"
	expose_publisher = true
`;

export class Prosody {
	#process = null;

	/** `more` is added to the global section of the configuration. */
	static async start(more = '') {
		const self = new Prosody();
		self.folder = mkdtempSync(path.join(tmpdir(), 'page-prosody-'));
		self.ports = { mqtt: await claimPort(), tls: await claimPort(), xmpp: await claimPort() };
		mkdirSync(path.join(self.folder, 'certs'));
		await run('openssl', [
			'req',
			'-x509',
			'-newkey',
			'ec',
			'-pkeyopt',
			'ec_paramgen_curve:prime256v1',
			'-nodes',
			'-days',
			'30',
			'-subj',
			'/CN=localhost',
			'-addext',
			'subjectAltName=DNS:localhost,DNS:pubsub.localhost,IP:127.0.0.1',
			'-keyout',
			`${self.folder}/certs/localhost.key`,
			'-out',
			self.certificate,
		]);
		self.#configure(more);
		for (const name of ['admin', 'alice', 'bob']) self.#store(name, 'localhost');
		for (const host of ['sha256.localhost', 'plain.localhost']) self.#store('alice', host);
		await self.serve();
		return self;
	}

	get certificate() {
		return `${this.folder}/certs/localhost.crt`;
	}

	get page() {
		return `http://localhost:${this.ports.mqtt}/`;
	}

	get encryptedPage() {
		return `https://localhost:${this.ports.tls}/`;
	}

	get log() {
		return this.#process.output;
	}

	#configure(more) {
		writeFileSync(`${this.folder}/prosody.cfg.lua`, configuration(this, more));
	}

	/** Stores an account as an administrator's script may: Prosody hashes the password when it is first asked for. */
	#store(name, host) {
		const folder = path.join(this.folder, 'data', host.replaceAll('.', '%2e'), 'accounts');
		mkdirSync(folder, { recursive: true });
		writeFileSync(`${folder}/${name}.dat`, `return { password = "${password}" };\n`);
	}

	#prosodyctl(...given) {
		const [command, ...args] = prosodyctl;
		return run(command, [...args, '--config', `${this.folder}/prosody.cfg.lua`, ...given]);
	}

	register(name, host) {
		return this.#prosodyctl('register', name, host, password);
	}

	/** Disables an account with the admin shell. False: this Prosody disables none (0.12). */
	async disable(name, host) {
		try {
			await this.#prosodyctl('shell', 'user', 'disable', `${name}@${host}`);
			return true;
		} catch {
			return false;
		}
	}

	/** Deletes an account with the admin shell. */
	delete(name, host) {
		return this.#prosodyctl('shell', 'user', 'delete', `${name}@${host}`);
	}

	async serve() {
		const [command, ...args] = prosody;
		this.#process = new Program(command, [...args, '-F', '--config', `${this.folder}/prosody.cfg.lua`]);
		await this.#process.waitFor(/Prosody serves/);
	}

	async stop() {
		// Prosody looks for signals before it waits for events: one that comes in between waits for the next event.
		const again = setInterval(() => fetch(this.page).catch(() => {}), 100);
		await this.#process.end();
		clearInterval(again);
	}

	async restart() {
		await this.stop();
		await this.serve();
	}

	async end() {
		await this.stop();
		rmSync(this.folder, { recursive: true, force: true });
	}
}
