// npm run build -- FOLDER: writes the page's files into FOLDER, to be served as they are.
import { build } from 'esbuild';
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const [given] = process.argv.slice(2);
if (!given) {
	console.error('usage: npm run build -- FOLDER');
	process.exit(2);
}
// npm runs scripts in the folder of package.json; a relative FOLDER is meant where npm was called.
const folder = path.resolve(process.env.INIT_CWD ?? process.cwd(), given);

/** The licences of all that the lock file names and that is not for building only. */
async function licenses() {
	const lock = JSON.parse(await readFile(path.join(here, 'package-lock.json'), 'utf8'));
	const texts = [];
	for (const [place, { dev, version }] of Object.entries(lock.packages)) {
		if (!place || dev) continue;
		const installed = path.join(here, place);
		const name = (await readdir(installed)).find((file) => /^licen[cs]e/i.test(file));
		const text = name ? await readFile(path.join(installed, name), 'utf8')
			: `License: ${JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8')).license}`;
		texts.push(`${place.replace(/^.*node_modules\//, '')} ${version}\n\n${text.trim()}\n`);
	}
	return texts.join(`\n${'-'.repeat(78)}\n\n`);
}

await mkdir(folder, { recursive: true });
await build({
	absWorkingDir: here,
	entryPoints: { page: 'main.jsx' },
	outdir: folder,
	bundle: true,
	minify: true,
	format: 'esm',
	target: ['es2022'],
	jsx: 'automatic',
	jsxImportSource: 'preact',
	legalComments: 'none', // licenses.txt has them all
	logLevel: 'warning',
});
for (const file of ['index.html', 'icon.svg']) await copyFile(path.join(here, file), path.join(folder, file));
await writeFile(path.join(folder, 'licenses.txt'), await licenses());
