// mosquitto's clients, as the page's neighbours.
import { Program, run } from './processes.js';
import { password } from './prosody.js';

/** How a client reaches the server, and as whom. */
const connection = (prosody, account) => ['-V', '5', '-p', String(prosody.ports.mqtt), '-u', account, '-P', password];

/** Publishes one message with mosquitto_pub. */
export function publish(prosody, topic, payload, { account = 'alice@localhost', retain = false } = {}) {
	return run('mosquitto_pub', [
		'-d',
		...connection(prosody, account),
		'-q',
		'1',
		...(retain ? ['-r'] : []),
		'-t',
		topic,
		...(payload === '' ? ['-n'] : ['-m', payload]),
	]);
}

/** A mosquitto_pub that publishes each line that is written to its stdin. */
export function publisher(prosody, topic, { account = 'alice@localhost' } = {}) {
	return new Client('mosquitto_pub', [...connection(prosody, account), '-t', topic, '-l'], { input: 'pipe' });
}

/** One that is ended at once: nobody waits for its goodbye. */
class Client extends Program {
	end() {
		return super.end('SIGKILL');
	}
}

/** A mosquitto_sub that prints "TOPIC PAYLOAD". */
export async function subscriber(prosody, topic, { account = 'alice@localhost' } = {}) {
	const program = new Client('stdbuf', [
		'-oL',
		'mosquitto_sub',
		'-d',
		'-v',
		...connection(prosody, account),
		'-q',
		'1',
		'-t',
		topic,
	]);
	await program.waitFor(/Subscribed/);
	return program;
}
