// Questions to the server and their answers, over MQTT: docs/mapping.md, "History and lists over MQTT".
import { Pauses } from './pauses.js';

const longEnoughToTell = 2000; // where others of the account ask, too, as after a restart, it is over before that
const replyTopic = '$pubsub/reply/page';

/** An answer that is an error: `condition` is XMPP's name for it. */
export class Declined extends Error {
	constructor(condition, text) {
		super(text || condition);
		this.condition = condition;
	}
}

export class Requests {
	waiting = null; // { why, until }: a question is asked again then, since the server has no room for it now
	#client;
	#changed;
	#turn = Promise.resolve();
	#isLost = false;
	#ends = new Set(); // of what ends with the connection: functions
	#answers = new Map(); // what takes them, by correlation
	#isSubscribed = false;
	#last = 0;

	/** For one connection of MQTT.js. `changed` is called when `waiting` is another. */
	constructor(client, changed) {
		this.#client = client;
		this.#changed = changed;
		client.once('close', () => {
			this.#isLost = true;
			for (const end of [...this.#ends]) end(new Error('The connection is lost.'));
		});
	}

	/** Takes a message. False: it is none of ours. */
	take(packet) {
		if (packet.topic !== replyTopic) return false;
		this.#answers.get(String(packet.properties?.correlationData ?? ''))?.(packet.payload.toString());
		return true;
	}

	/**
	 * Asks `$pubsub/NAME`, one question after the other, and again while the server has no room for it. Gives the answer;
	 * fails with Declined where that is an error, and where the connection is lost.
	 */
	ask(name, question = {}) {
		const answer = this.#turn.then(() => this.#askUntilThereIsRoom(`$pubsub/${name}`, question));
		this.#turn = answer.catch(() => {});
		return answer;
	}

	async #askUntilThereIsRoom(topic, question) {
		const pauses = new Pauses(300, 30_000);
		try {
			for (;;) {
				try {
					return await this.#exchange(topic, question);
				} catch (error) {
					if (error.condition !== 'resource-constraint') throw error;
					await this.#pause(pauses.next(), error.message);
				}
			}
		} finally {
			this.#setWaiting(null);
		}
	}

	#setWaiting(waiting) {
		if (this.waiting === waiting) return;
		this.waiting = waiting;
		this.#changed();
	}

	async #pause(milliseconds, why) {
		if (milliseconds >= longEnoughToTell) this.#setWaiting({ why, until: Date.now() + milliseconds });
		let timer;
		await this.#whileConnected((resolve) => {
			timer = setTimeout(resolve, milliseconds);
		}).finally(() => clearTimeout(timer));
	}

	/** A promise as `begin` makes it, which fails at once where the connection is lost. */
	async #whileConnected(begin) {
		let end;
		try {
			return await new Promise((resolve, reject) => {
				end = reject;
				this.#ends.add(end);
				if (this.#isLost) reject(new Error('The connection is lost.'));
				else begin(resolve, reject);
			});
		} finally {
			this.#ends.delete(end);
		}
	}

	async #exchange(topic, question) {
		if (!this.#isSubscribed) {
			await this.#whileConnected((resolve, reject) =>
				this.#client.subscribeAsync(replyTopic, { qos: 1 }).then(resolve, reject),
			);
			this.#isSubscribed = true;
		}
		const correlation = String(++this.#last);
		const properties = { responseTopic: replyTopic, correlationData: correlation };
		// However long a slow link takes: PUBACK comes after the answer, and the keep-alive ends what is lost.
		const text = await this.#whileConnected((resolve, reject) => {
			this.#answers.set(correlation, resolve);
			this.#client.publish(topic, JSON.stringify(question), { qos: 1, properties }, (error, packet) => {
				const why = error?.message ?? 'The server has no answer.';
				reject(new Error(packet?.properties?.reasonString ?? why));
			});
		}).finally(() => this.#answers.delete(correlation));
		const answer = JSON.parse(text);
		if (answer.error) throw new Declined(answer.error, answer.text);
		return answer;
	}
}
