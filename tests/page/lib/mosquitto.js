// mosquitto's clients, as the page's neighbours.
import { Program, run } from './processes.js';
import { password } from './prosody.js';

const asAccount = (account) => (account ? ['-u', account, '-P', password] : []);

/** Publishes one message with mosquitto_pub. */
export function publish(prosody, topic, payload, { account = 'alice@localhost', retain = false } = {}) {
	return run('mosquitto_pub', ['-V', '5', '-p', String(prosody.ports.mqtt), ...asAccount(account), '-q', '1',
		...(retain ? ['-r'] : []), '-t', topic, ...(payload === '' ? ['-n'] : ['-m', payload])]);
}

/** A mosquitto_pub that publishes each line that is written to its stdin. */
export function publisher(prosody, topic, { account = 'alice@localhost' } = {}) {
	return new Program('mosquitto_pub', ['-V', '5', '-p', String(prosody.ports.mqtt), ...asAccount(account), '-t', topic, '-l'],
		{ input: 'pipe' });
}

/** A mosquitto_sub that prints "TOPIC PAYLOAD". */
export async function subscriber(prosody, topic, { account = 'alice@localhost' } = {}) {
	const program = new Program('stdbuf', ['-oL', 'mosquitto_sub', '-V', '5', '-d', '-v', '-p', String(prosody.ports.mqtt), ...asAccount(account),
		'-q', '1', '-t', topic]);
	await program.waitFor(/Subscribed/);
	return program;
}
