// The page in Firefox: who signs in sees a value, its plot, and publishes. What differs among browsers is in that; the
// other tests have Chromium. Not one of ctest's, which would install another browser for this alone:
// PUBSUB_MQTT_MODULES=$PWD/build/modules node --test tests/page/firefox.js, where Debian's firefox-esr is installed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import puppeteer from 'puppeteer-core';
import { Visit } from './lib/browser.js';
import { publish } from './lib/mosquitto.js';
import { patience } from './lib/patience.js';
import { Prosody } from './lib/prosody.js';

const executablePath = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

let prosody;
let firefox;

before(async () => {
	prosody = await Prosody.start('mqtt_node_defaults = { persist_items = true }');
	firefox = await puppeteer.launch({
		browser: 'firefox',
		executablePath,
		acceptInsecureCerts: true,
		timeout: patience,
		protocolTimeout: 2 * patience,
	});
});

after(async () => {
	await firefox?.close();
	await prosody?.end();
});

for (const encrypted of [false, true]) {
	test(`Values, plots and publishing over ${encrypted ? 'https' : 'http'}`, async () => {
		const faults = [];
		const page = await firefox.newPage();
		page.setDefaultTimeout(patience);
		page.on('pageerror', (error) => faults.push(error.message));
		await page.goto(encrypted ? prosody.encryptedPage : prosody.page);
		const visit = new Visit(page, null, faults);
		await publish(prosody, 'pubsub.localhost/any/house/weather', '{"t":21.5}', { retain: true });
		await visit.signIn('alice@localhost');
		await visit.openNode('weather');
		await visit.page.waitForSelector('.canvas[aria-label*="the last one 21.5."] canvas');
		await publish(prosody, 'pubsub.localhost/any/house/weather', '{"t":22.5}', { retain: true });
		await visit.page.waitForSelector('.canvas[aria-label*="the last one 22.5."]');
		await visit.press('nav a[href="#publish"]');
		await visit.fill('input[name=name]', 'house/firefox');
		await visit.fill('textarea', 'from Firefox');
		await visit.pressButton('Publish');
		await visit.press('.publish .done a');
		await visit.waitForText('.value-section .text', /from Firefox/);
		assert.deepEqual(faults, []);
		await page.close();
	});
}
