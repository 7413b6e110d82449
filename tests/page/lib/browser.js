// The page in Chromium, as somebody uses it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';
import { patience } from './patience.js';
import { password } from './prosody.js';

/**
 * What Chromium says of its own while the server is away: of a connection that is not made, and of the icon, for which
 * Chromium asks again with each change of the address, so that a request may be under way as the server ends.
 */
function isOfAbsentServer(message) {
	const text = message.text();
	if (text.includes('WebSocket connection to')) return true;
	return text.includes('net::ERR_') && message.location()?.url?.endsWith('/icon.svg');
}

export class Browser {
	static async start() {
		const self = new Browser();
		self.folder = mkdtempSync(path.join(tmpdir(), 'page-browser-'));
		self.chromium = await puppeteer.launch({
			executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
			userDataDir: self.folder,
			env: { ...process.env, HOME: self.folder }, // nothing is shared with another Chromium
			acceptInsecureCerts: true,
			pipe: true, // it ends when the test does
			args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
			timeout: patience,
			protocolTimeout: 2 * patience, // of a question to the page; one may be to wait for something
		});
		return self;
	}

	/** A page of its own, as of another person. What it should not do is in `faults`. */
	async open(url, { width = 1200, height = 900, isDark = false } = {}) {
		const context = await this.chromium.createBrowserContext();
		const page = await context.newPage();
		page.setDefaultTimeout(patience);
		await page.setViewport({ width, height });
		if (isDark) await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
		const faults = [];
		page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
		page.on('console', (message) => {
			if (message.type() !== 'error' || isOfAbsentServer(message)) return;
			faults.push(`console: ${message.text()} ${message.location()?.url ?? ''}`);
		});
		page.on('dialog', (dialog) => {
			faults.push(`dialog: ${dialog.message()}`);
			dialog.dismiss();
		});
		page.on('request', (request) => {
			if (new URL(request.url()).host !== new URL(url).host && !request.url().startsWith('blob:')) {
				faults.push(`request: ${request.url()}`);
			}
		});
		await page.goto(url);
		return new Visit(page, context, faults);
	}

	async end() {
		await this.chromium.close();
		this.#endRest();
		rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
	}

	/** Its first process has gone, others may still write into the folder. */
	#endRest() {
		try {
			process.kill(-this.chromium.process().pid, 'SIGKILL');
		} catch (error) {
			if (error.code !== 'ESRCH') throw error;
		}
	}
}

export class Visit {
	constructor(page, context, faults) {
		this.page = page;
		this.context = context;
		this.faults = faults;
	}

	/** Waits until a function, which the page runs, gives what is true; says what is seen if that does not come. */
	async until(isSo, ...given) {
		try {
			return await this.page.waitForFunction(isSo, {}, ...given);
		} catch (error) {
			const seen = await this.page.evaluate(() => document.body.innerText.slice(0, 2000)).catch(String);
			throw new Error(`${error.message}: ${[isSo, ...given].join(', ')}\nThe page shows:\n${seen}`);
		}
	}

	/** From the next connection on, what the server sends comes late: what the page shows before that is drawn. */
	delayMessages() {
		return this.page.evaluate(() => {
			const { addEventListener } = WebSocket.prototype;
			WebSocket.prototype.addEventListener = function (type, listener, ...more) {
				const later = (event) => setTimeout(() => listener.call(this, event), 100);
				addEventListener.call(this, type, /message|close/.test(type) ? later : listener, ...more);
			};
		});
	}

	/** What has happened so far is drawn. */
	drawn() {
		return this.page.evaluate(
			() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
		);
	}

	/** Fills in a field. All at once, since the page draws its own text into a field in which nothing was typed yet. */
	fill(selector, text) {
		return this.until(
			(where, value) => {
				const field = document.querySelector(where);
				if (!field) return false;
				field.focus();
				field.value = value;
				for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }));
				return true;
			},
			selector,
			text,
		);
	}

	async fillIn(account, secret = password) {
		await this.fill('input[name=username]', account);
		await this.fill('input[name=password]', secret);
		await this.page.keyboard.press('Enter');
	}

	async signIn(account, secret) {
		await this.fillIn(account, secret);
		await this.page.waitForSelector('[role=tree]');
		await this.waitForText('.below', /^(\d+ nodes?|There is no node)/);
	}

	/** What somebody is told who is not let in. */
	async refusal() {
		await this.drawn(); // what an attempt before this one was told is gone
		await this.until(
			() =>
				document.querySelector('.sign-in .main:enabled') &&
				document.querySelector('.sign-in [role=alert]').textContent,
		);
		return this.text('.sign-in [role=alert]');
	}

	/** Waits until the text of an element matches. */
	waitForText(selector, pattern) {
		return this.until(
			(where, source, flags) => {
				const text = [...document.querySelectorAll(where)].map(({ textContent }) => textContent).join('\n');
				return new RegExp(source, flags).test(text);
			},
			selector,
			pattern.source,
			pattern.flags,
		);
	}

	text(selector) {
		return this.page.$eval(selector, ({ textContent }) => textContent);
	}

	/**
	 * Presses the middle of what a selector of CSS, or an XPath (which begins with "//"), finds, where nothing covers it.
	 * In one go with the search, since things move: a click by coordinates may come to what stood beside it.
	 */
	press(what) {
		return this.until((where) => {
			const element = where.startsWith('//')
				? document.evaluate(where, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue
				: document.querySelector(where);
			if (!element || element.disabled) return false;
			element.scrollIntoView({ block: 'nearest' });
			const [line] = element.getClientRects(); // a link in a text may have several
			const seen = line && document.elementFromPoint(line.left + line.width / 2, line.top + line.height / 2);
			if (!seen || !element.contains(seen)) return false;
			seen.click();
			return true;
		}, what);
	}

	/** Opens a node by its row. */
	async openNode(label) {
		await this.press(`//*[@role="treeitem"][*[@class="name" and .="${label}"]]`);
		await this.waitForText('article h2', new RegExp(`${label}$`));
	}

	/** The button with that text. */
	pressButton(text) {
		return this.press(`//button[normalize-space()="${text}"]`);
	}

	/** The button in the row of a table that has a text. */
	pressButtonIn(row, text) {
		return this.press(`//tr[contains(., "${row}")]//button[normalize-space()="${text}"]`);
	}

	close() {
		return this.context.close();
	}
}
