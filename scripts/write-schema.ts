import { readFileSync, writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from '../src/schema.ts';

/** Writes schema.graphql from the code; with --check, fails when the file is not what the code builds. */
const path = new URL('../schema.graphql', import.meta.url);
const text = `${printSchema(lexicographicSortSchema(schema))}\n`;
if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error('schema.graphql is not what the code builds: run "npm run generate" and commit the result');
  process.exitCode = 1;
}
