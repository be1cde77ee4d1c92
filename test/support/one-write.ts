import type { Answer, TestApp } from './app.ts';

/** A write that was just made; `mutation` is the root field that made it. */
export interface MadeWrite {
  name: string;
  mutation?: string;
}

/** Imports that were started go on behind their answers. */
export async function settle(t: TestApp): Promise<void> {
  await Promise.all(t.app.services.background);
}

const SPECIAL_INPUTS: Readonly<Record<string, string>> = {
  linkToCase: 'CaseLinksInput',
  unlinkFromCase: 'CaseLinksInput',
};

/** One mutation, which must not be refused. Gives what it answered with, as far as `fields` asks. */
export async function change(
  t: TestApp,
  key: string | null,
  name: string,
  input: object | null,
  fields = '',
): Promise<Answer> {
  const type = SPECIAL_INPUTS[name] ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const rest = `{ ${fields} userErrors { code message path } }`;
  const text = input
    ? `mutation($input: ${type}!) { result: ${name}(input: $input) ${rest} }`
    : `mutation { result: ${name} ${rest} }`;
  const { result } = await t.runOk(key, text, input ? { input } : {});
  if (result.userErrors.length > 0) throw new Error(`${name}: ${JSON.stringify(result.userErrors)}`);
  await settle(t);
  return result;
}

/** Mutations with their inputs, one after the other; what changes nothing the second time is made once. */
export async function* run(t: TestApp, key: string, steps: readonly (readonly [string, object | null])[]) {
  for (const [name, input] of steps) {
    await change(t, key, name, input);
    yield { name, mutation: name };
  }
}
