// node picture.js FILE: the page as it is, for the documentation: a house's nodes, two of them in a plot.
import { setTimeout as wait } from 'node:timers/promises';
import { Browser } from './lib/browser.js';
import { connectDevice } from './lib/device.js';
import { Prosody } from './lib/prosody.js';

const [file] = process.argv.slice(2);
if (!file) {
	console.error('usage: node picture.js FILE');
	process.exit(2);
}

const prosody = await Prosody.start('mqtt_node_defaults = { max_items = 200 }');
const device = await connectDevice(prosody);
const browser = await Browser.start();

const send = (node, value, retain = true) =>
	device.publishAsync(`pubsub.localhost/any/${node}`, typeof value === 'string' ? value : JSON.stringify(value), {
		qos: 1,
		retain,
	});
const wave = (step, middle, height, length) => Math.round(10 * (middle + height * Math.sin(step / length))) / 10;

async function measure(step) {
	await send(
		'home/kitchen',
		{ temperature: wave(step, 21.5, 1.5, 9), humidity: Math.round(wave(step, 48, 6, 14)), battery: 97 },
		false,
	);
	await send('home/cellar/temperature', wave(step, 20, 0.8, 17), false);
	await send('meter/power', Math.round(wave(step, 320, 40, 5)), false);
}

try {
	await send('zigbee2mqtt/lamp', { state: 'ON', brightness: 180 });
	await send('zigbee2mqtt/bridge/state', 'online');
	await send('garden/gate', 'closed');
	await send('garden/soil', { moisture: 31 });
	for (let step = 0; step < 60; step++) {
		await measure(step);
		await wait(40);
	}
	const visit = await browser.open(prosody.page, { width: 1200, height: 820 });
	await visit.signIn('alice@localhost');
	await visit.openNode('temperature');
	await visit.pressButton('Keep');
	await visit.openNode('kitchen');
	await visit.page.waitForFunction(() => document.querySelectorAll('.legend li').length === 2);
	for (let step = 60; step < 100; step++) {
		await measure(step);
		await wait(40);
	}
	await visit.page.mouse.move(0, 0);
	await wait(500); // the last frame
	await visit.page.screenshot({ path: file });
} finally {
	await device.endAsync();
	await browser.end();
	await prosody.end();
}
