// The page in Chromium, as somebody uses it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';
import { password } from './prosody.js';

export class Browser {
	static async start() {
		const self = new Browser();
		self.folder = mkdtempSync(path.join(tmpdir(), 'page-browser-'));
		self.chromium = await puppeteer.launch({
			executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
			userDataDir: self.folder,
			acceptInsecureCerts: true,
			args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
		});
		return self;
	}

	/** A page of its own, as of another person. What it should not do is in `faults`. */
	async open(url, { width = 1200, height = 900, isDark = false } = {}) {
		const context = await this.chromium.createBrowserContext();
		const page = await context.newPage();
		await page.setViewport({ width, height });
		if (isDark) await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
		const faults = [];
		page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
		page.on('console', (message) => {
			const isNoise = message.text().includes('WebSocket connection to'); // while the server is away
			if (message.type() === 'error' && !isNoise) faults.push(`console: ${message.text()}`);
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
		rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
	}
}

export class Visit {
	constructor(page, context, faults) {
		this.page = page;
		this.context = context;
		this.faults = faults;
		page.setDefaultTimeout(20_000);
	}

	async fillIn(account, secret = password) {
		await this.page.waitForSelector('input[name=username]');
		await this.page.$eval('form', (form) => form.reset());
		await this.page.locator('input[name=username]').fill(account);
		await this.page.locator('input[name=password]').fill(secret);
		await this.page.keyboard.press('Enter');
	}

	async signIn(account, secret) {
		await this.fillIn(account, secret);
		await this.page.waitForSelector('[role=tree]');
		await this.waitForText('.below', /node/);
	}

	/** What somebody is told who is not let in. */
	async refusal() {
		await this.page.waitForFunction(() => document.querySelector('.sign-in [role=alert]')?.textContent);
		return this.page.$eval('.sign-in [role=alert]', ({ textContent }) => textContent);
	}

	/** Waits until the text of an element matches. */
	waitForText(selector, pattern) {
		return this.page.waitForFunction((where, source, flags) => {
			const text = [...document.querySelectorAll(where)].map(({ textContent }) => textContent).join('\n');
			return new RegExp(source, flags).test(text);
		}, {}, selector, pattern.source, pattern.flags);
	}

	text(selector) {
		return this.page.$eval(selector, ({ textContent }) => textContent);
	}

	/** Opens a node by its row. */
	async openNode(label) {
		await this.page.locator(`::-p-xpath(//*[@role="treeitem"][*[@class="name" and .="${label}"]])`).click();
		await this.page.waitForSelector('article.node');
	}

	press(selector) {
		return this.page.locator(selector).click();
	}

	/** The button with that text. */
	async pressButton(text) {
		await this.page.locator(`::-p-xpath(//button[normalize-space()="${text}"])`).click();
	}

	/** The button in the row of a table that has a text. */
	async pressButtonIn(row, text) {
		await this.page.locator(`::-p-xpath(//tr[contains(., "${row}")]//button[normalize-space()="${text}"])`).click();
	}

	close() {
		return this.context.close();
	}
}
