import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';

const prove = (...args: string[]) =>
  execFileSync(process.execPath, ['scripts/prove.ts', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

test('every proof is listed with what it does, and tells how it is run', () => {
  const programs = readdirSync('test/prove').map((file) => file.replace(/\.ts$/, ''));
  const lines = prove().trim().split('\n');
  expect(lines.map((line) => line.split(' ', 1)[0])).toEqual(programs.sort());
  for (const line of lines) expect(line).toMatch(/^\S+ {2,}[A-Z].{20,}\.$/);
  for (const program of programs) expect(prove(program, '--help'), program).toContain(program);
});

test('an unknown proof is refused with the names of all', () => {
  expect(() => prove('nothing')).toThrow('there is no proof "nothing": there are backup, container, crash');
});
