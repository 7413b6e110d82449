// Programs that a test starts and ends.
import { spawn } from 'node:child_process';
import { patience } from './patience.js';

/** A program whose output can be waited for. */
export class Program {
	output = '';
	#process;
	#ended;
	#listeners = new Set();

	constructor(command, args, { input = 'ignore', env = {} } = {}) {
		// It does not outlive the test, however that ends.
		this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
			stdio: [input, 'pipe', 'pipe'],
			env: { ...process.env, ...env },
		});
		this.#process.stdin?.on('error', () => {}); // who waits for its output is told that it has ended
		for (const stream of this.#outputs) {
			stream.setEncoding('utf8').on('data', (text) => {
				this.output += text;
				for (const listen of [...this.#listeners]) listen();
			});
			stream.unref();
		}
		// Nor does the test wait for it, where it has failed before it could end the program.
		this.#process.unref();
		this.#ended = new Promise((resolve, reject) => {
			this.#process.once('error', reject);
			this.#process.once('close', (status) => resolve(status));
		});
		this.#ended.catch(() => {});
	}

	get #outputs() {
		return [this.#process.stdout, this.#process.stderr];
	}

	get stdin() {
		return this.#process.stdin;
	}

	/** The exit status. */
	get ended() {
		return this.#ended;
	}

	/** Waits for what matches in the output, from a place on; gives the match. */
	waitFor(pattern, { from = 0 } = {}) {
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
			const timer = setTimeout(
				() => settle(reject, new Error(`${pattern} does not come:\n${this.output.slice(from)}`)),
				patience,
			);
			this.#listeners.add(look);
			this.#ended.then(
				() => settle(reject, new Error(`It ends before ${pattern}:\n${this.output}`)),
				(error) => settle(reject, error),
			);
			look();
		});
	}

	async end(signal = 'SIGTERM') {
		this.#process.ref();
		for (const stream of this.#outputs) stream.ref();
		this.#process.kill(signal);
		return this.#ended;
	}
}

/** Runs a program to its end, and gives its output. */
export async function run(command, args, options) {
	const program = new Program(command, args, options);
	const timer = setTimeout(() => program.end('SIGKILL'), patience);
	const status = await program.ended;
	clearTimeout(timer);
	if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${status}\n${program.output}`);
	return program.output;
}
