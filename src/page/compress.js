// npm run compress -- FOLDER: puts NAME.gz beside each of the folder's files that becomes much smaller with gzip, for
// browsers on slow networks.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { gzipSync } from 'node:zlib';

const folder = path.resolve(process.env.INIT_CWD ?? process.cwd(), process.argv[2]);
for (const name of await readdir(folder)) {
	if (name.endsWith('.gz')) continue;
	const bytes = await readFile(path.join(folder, name));
	const compressed = gzipSync(bytes, { level: 9 });
	if (compressed.length < 0.9 * bytes.length) await writeFile(path.join(folder, `${name}.gz`), compressed);
}
