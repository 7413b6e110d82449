// Programs that a test starts and ends.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A program whose output can be waited for. */
export class Program {
	output = '';
	#process;
	#ended;
	#listeners = new Set();

	constructor(command, args, { input = 'ignore', env = {} } = {}) {
		this.#process = spawn(command, args, { stdio: [input, 'pipe', 'pipe'], env: { ...process.env, ...env } });
		for (const stream of [this.#process.stdout, this.#process.stderr]) {
			stream.setEncoding('utf8').on('data', (text) => {
				this.output += text;
				for (const listen of [...this.#listeners]) listen();
			});
		}
		this.#ended = new Promise((resolve, reject) => {
			this.#process.once('error', reject);
			this.#process.once('close', (status) => resolve(status));
		});
		running.add(this.#process);
		this.#process.once('close', () => running.delete(this.#process));
		this.#ended.catch(() => {});
	}

	get stdin() {
		return this.#process.stdin;
	}

	/** The exit status. */
	get ended() {
		return this.#ended;
	}

	/** Waits for what matches in the output, from a place on; gives the match. */
	waitFor(pattern, { from = 0, patience = 20_000 } = {}) {
		return new Promise((resolve, reject) => {
			const look = () => {
				const match = this.output.slice(from).match(pattern);
				if (match) settle(resolve, match);
			};
			const settle = (how, what) => {
				clearTimeout(timer);
				this.#listeners.delete(look);
				how(what);
			};
			const timer = setTimeout(() => settle(reject, new Error(`${pattern} does not come:\n${this.output.slice(from)}`)), patience);
			this.#listeners.add(look);
			this.#ended.then(() => settle(reject, new Error(`It ends before ${pattern}:\n${this.output}`)), (error) => settle(reject, error));
			look();
		});
	}

	async end(signal = 'SIGTERM') {
		this.#process.kill(signal);
		return this.#ended;
	}
}

/** Runs a program to its end, and gives its output. */
export async function run(command, args, options) {
	const program = new Program(command, args, options);
	const status = await program.ended;
	if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${status}\n${program.output}`);
	return program.output;
}

export function freePort() {
	return new Promise((resolve) => {
		const server = createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}
