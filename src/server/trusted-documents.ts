import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** A document that clients may ask for by the hash of its text. */
export interface TrustedText {
  /** where it was found, for messages */
  name: string;
  text: string;
}

/** The id of a document's text: a "SHA256 hex document identifier" of GraphQL over HTTP, appendix A. */
export function documentId(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/**
 * Reads trusted documents: every `.graphql` file in a folder and the folders in it, or a JSON file
 * `{ "<sha256 of the text in hex>": "<text>" }`.
 * @throws Error naming the path, the file and what is wrong
 */
export function readTrustedDocuments(path: string): TrustedText[] {
  try {
    return statSync(path).isDirectory() ? readFolder(path) : readManifest(path);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new Error(`TRUSTED_DOCUMENTS = ${JSON.stringify(path)}: ${problem}`, { cause: error });
  }
}

function readFolder(folder: string): TrustedText[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.graphql'));
  if (names.length === 0) throw new Error('the folder has no .graphql file');
  return names.sort().map((name) => ({ name, text: readText(join(folder, name), name) }));
}

const manifest = z.record(z.string(), z.string());

function readManifest(file: string): TrustedText[] {
  const parsed = manifest.safeParse(parseJson(readText(file, 'the file')));
  if (!parsed.success) throw new Error('the file is not a JSON object of texts: { "<sha256 in hex>": "<text>" }');
  return Object.entries(parsed.data).map(([hash, text]) => {
    const id = documentId(text);
    if (id !== `sha256:${hash}`) throw new Error(`the hash ${JSON.stringify(hash)} is not that of its text, ${id}`);
    return { name: hash, text };
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the file is not JSON, and is not a folder');
  }
}

/** The text whose hash is that of the file: nothing replaced, nothing left out. */
function readText(file: string, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof TypeError) throw new Error(`${name} is not UTF-8`);
    throw error;
  }
}
