// Pages in Chromium, driven by its DevTools protocol: browser.js URL, of a server on this machine that lets clients in
// without login. Good pages publish and subscribe with MQTT.js and Paho; evil ones must not get in. Exits 0 where all
// is so.
'use strict';

const assert = require('assert');
const { spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const WebSocket = require('ws');

const [url] = process.argv.slice(2);
const port = new URL(url).port;

const scripts = {
	'/mqtt.js': path.join(process.env.NODE_PATH, 'mqtt/dist/mqtt.min.js'),
	'/paho.js': path.join(process.env.NODE_PATH, 'paho-mqtt/paho-mqtt-min.js'),
};

function serve() {
	const server = http.createServer((request, response) => {
		const file = scripts[request.url];
		response.setHeader('Content-Type', file ? 'text/javascript' : 'text/html');
		if (file) return response.end(fs.readFileSync(file));
		if (request.url === '/sandbox') return response.end('<iframe id="frame" sandbox="allow-scripts" src="/"></iframe>');
		response.end('<script src="/mqtt.js"></script><script src="/paho.js"></script>');
	});
	return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** The browser. evil.example and pubsub.localhost mean this machine to it, as an evil name server has it. */
class Browser {
	static async start() {
		const browser = new Browser();
		browser.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'browser-'));
		browser.process = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
			'--remote-debugging-port=0', `--user-data-dir=${browser.folder}`,
			'--host-resolver-rules=MAP *.example 127.0.0.1, MAP pubsub.localhost 127.0.0.1', 'about:blank'],
		{ stdio: ['ignore', 'ignore', 'pipe'] });
		const address = await new Promise((resolve, reject) => {
			let said = '';
			browser.process.stderr.on('data', (text) => {
				said += text;
				const found = said.match(/DevTools listening on (ws:\S+)/);
				if (found) resolve(found[1]);
			});
			browser.process.on('exit', () => reject(new Error(`Chromium ends: ${said}`)));
		});
		browser.socket = new WebSocket(address);
		browser.calls = new Map();
		browser.socket.on('message', (text) => {
			const { id, method, sessionId, result, error } = JSON.parse(text);
			const call = browser.calls.get(method === 'Page.loadEventFired' ? sessionId : id);
			if (!call) return;
			if (error) call.reject(new Error(error.message)); else call.resolve(result);
		});
		await new Promise((resolve) => browser.socket.once('open', resolve));
		return browser;
	}

	call(method, params, sessionId) {
		const id = this.calls.size + 1;
		this.socket.send(JSON.stringify({ id, method, params, sessionId }));
		return new Promise((resolve, reject) => this.calls.set(id, { resolve, reject }));
	}

	/** Opens a page, and returns what evaluates an expression in it. */
	async open(page) {
		const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' });
		const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
		const loaded = new Promise((resolve, reject) => this.calls.set(sessionId, { resolve, reject }));
		await this.call('Page.enable', {}, sessionId);
		await this.call('Page.navigate', { url: page }, sessionId);
		await loaded;
		const evaluate = async (expression) => {
			const answer = await this.call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
			if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
			return answer.result.value;
		};
		return evaluate;
	}

	async end() {
		const ended = new Promise((resolve) => this.process.once('exit', resolve));
		this.process.kill();
		await ended;
		fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
	}
}

// An expression that calls a function in a page.
const call = (called, ...given) => `(${called})(${given.map((value) => JSON.stringify(value)).join()})`;

// What becomes of a WebSocket that a page asks for, and of a CONNECT without login on it: "refused", or CONNACK's code.
const attempt = (to) => call((target) => new Promise((resolve) => {
	const socket = new WebSocket(target, 'mqtt');
	socket.binaryType = 'arraybuffer';
	socket.onopen = () => socket.send(new Uint8Array([0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 0, 0, 1, 0x65]));
	socket.onmessage = ({ data }) => resolve(new Uint8Array(data)[3]);
	socket.onerror = () => resolve('refused');
}), to);

const withMqttJs = (target, protocolVersion) => call(async (to, version) => {
	const client = await mqtt.connectAsync(to, { protocolVersion: version });
	const seen = [];
	for (const qos of [0, 1, 2]) {
		const topic = `pubsub.localhost/utf8/browser/${version}/${qos}`;
		await client.subscribeAsync(topic, { qos });
		const message = new Promise((resolve) => client.once('message', (_, payload, packet) => resolve([payload.toString(), packet.qos])));
		await client.publishAsync(topic, 'hello', { qos });
		seen.push(await message);
	}
	await client.endAsync();
	return seen;
}, target, protocolVersion);

const withPaho = (target) => call((to) => new Promise((resolve, reject) => {
	const client = new Paho.Client(to, 'browser');
	client.onMessageArrived = (message) => resolve([message.payloadString, message.qos]);
	client.connect({
		onFailure: reject,
		onSuccess: () => client.subscribe('pubsub.localhost/utf8/browser/paho', {
			qos: 2, onSuccess: () => client.send('pubsub.localhost/utf8/browser/paho', 'hello', 2),
		}),
	});
}), target);

async function try_all(browser, pages) {
	const page = (host) => browser.open(`http://${host}:${pages}/`);
	const server = (host) => `ws://${host}:${port}/mqtt`;

	for (const host of ['localhost', '127.0.0.1', 'pubsub.localhost']) {
		const good = await page(host);
		assert.strictEqual(await good(attempt(server(host))), 0, `a page of ${host}`);
		for (const version of [4, 5]) {
			assert.deepStrictEqual(await good(withMqttJs(server(host), version)), [['hello', 0], ['hello', 1], ['hello', 2]]);
		}
		assert.deepStrictEqual(await good(withPaho(server(host))), ['hello', 2]);
	}

	// A page from elsewhere, by name and by address.
	const evil = await page('evil.example');
	for (const host of ['localhost', '127.0.0.1', 'pubsub.localhost']) {
		assert.strictEqual(await evil(attempt(server(host))), 'refused', host);
	}
	// Its own name means this machine: it may ask, and needs a login.
	assert.strictEqual(await evil(attempt(server('evil.example'))), 5);

	// A frame without an origin.
	const outer = await browser.open(`http://localhost:${pages}/sandbox`);
	const { targetInfos } = await browser.call('Target.getTargets', { filter: [{ type: 'iframe' }] });
	assert.strictEqual(targetInfos.length, 1, await outer('document.body.innerHTML'));
	const { sessionId } = await browser.call('Target.attachToTarget', { targetId: targetInfos[0].targetId, flatten: true });
	const inside = await browser.call('Runtime.evaluate',
		{ expression: attempt(server('localhost')), awaitPromise: true, returnByValue: true }, sessionId);
	assert.strictEqual(inside.result.value, 'refused');
}

async function main() {
	const pages = await serve();
	const browser = await Browser.start();
	try {
		await try_all(browser, pages.address().port);
	} finally {
		await browser.end();
		pages.closeAllConnections();
		pages.close();
	}
}

const patience = setTimeout(() => {
	console.error('the browser hangs');
	process.exit(1);
}, 120_000);
main().then(() => clearTimeout(patience), (error) => {
	console.error(error);
	process.exit(1);
});
