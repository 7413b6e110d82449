// A connection stands for as long as something arrives.

/**
 * MQTT.js gives a connection up where PINGRESP does not come within half of the Keep Alive. On a slow link that stands
 * behind megabytes of retained messages: where other packets arrive meanwhile, the client asks again instead.
 */
export function holdWhileReceiving(client) {
	let last = 0;
	client.on('packetreceive', () => {
		last = Date.now();
	});
	const giveUp = client.onKeepaliveTimeout.bind(client);
	client.onKeepaliveTimeout = () => {
		const patience = (client.keepalive / 2) * 1000;
		if (Date.now() - last < patience) client.sendPing();
		else giveUp();
	};
}
