// Questions to the server and their answers, over MQTT: docs/mapping.md, "History and lists over MQTT".

const patience = 60_000;
const shortWaits = [300, 600, 1200, 2400, 4800]; // where others of the account ask, too, as after a restart
const replyTopic = '$pubsub/reply/page';

/** An answer that is an error: `condition` is XMPP's name for it. */
export class Declined extends Error {
	constructor(condition, text) {
		super(text || condition);
		this.condition = condition;
	}
}

export class Requests {
	#client;
	#turn = Promise.resolve();
	#waiting = new Map(); // by correlation
	#last = 0;

	/** For one connection of MQTT.js. */
	constructor(client) {
		this.#client = client;
		this.#turn = client.subscribeAsync(replyTopic, { qos: 1 });
		client.once('close', () => {
			for (const { reject } of this.#waiting.values()) reject(new Error('The connection is lost.'));
			this.#waiting.clear();
		});
	}

	/** Takes a message. False: it is none of ours. */
	take(packet) {
		if (packet.topic !== replyTopic) return false;
		const correlation = String(packet.properties?.correlationData ?? '');
		const request = this.#waiting.get(correlation);
		this.#waiting.delete(correlation);
		request?.resolve(packet.payload.toString());
		return true;
	}

	/** Asks `$pubsub/NAME`, one question after the other. Gives the answer; fails with Declined where that is an error. */
	ask(name, question = {}) {
		const answer = this.#turn.then(() => this.#askUntilThereIsRoom(`$pubsub/${name}`, question));
		this.#turn = answer.catch(() => {});
		return answer;
	}

	async #askUntilThereIsRoom(topic, question) {
		for (const wait of shortWaits) {
			try {
				return await this.#exchange(topic, question);
			} catch (error) {
				if (error.condition !== 'resource-constraint') throw error;
			}
			await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
		}
		return this.#exchange(topic, question);
	}

	async #exchange(topic, question) {
		const correlation = String(++this.#last);
		let timer;
		const text = await new Promise((resolve, reject) => {
			this.#waiting.set(correlation, { resolve, reject });
			timer = setTimeout(() => reject(new Error('The server does not answer.')), patience);
			this.#client.publish(
				topic,
				JSON.stringify(question),
				{
					qos: 1,
					properties: { responseTopic: replyTopic, correlationData: correlation },
				},
				(error, packet) => {
					if (error) reject(new Error(packet?.properties?.reasonString ?? error.message));
				},
			);
		}).finally(() => {
			clearTimeout(timer);
			this.#waiting.delete(correlation);
		});
		const answer = JSON.parse(text);
		if (answer.error) throw new Declined(answer.error, answer.text);
		return answer;
	}
}
