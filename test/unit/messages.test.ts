import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { loadEnv } from '../../src/env.ts';
import { validateDocument, withoutSuggestions } from '../../src/graphql/document.ts';
import { nodeKey } from '../../src/graphql/entity.ts';
import { schema } from '../../src/schema.ts';

const ask = (filter: string) => validateDocument(schema, parse(`{ bugs(filter: ${filter}) { nodes { id } } }`));

describe('a value in place of a comparison', () => {
  it.each([
    ['{ severity: CRITICAL }', 'found CRITICAL. Did you mean { eq: CRITICAL }?'],
    ['{ externalId: "x" }', 'found "x". Did you mean { eq: "x" }?'],
    ['{ severity: [LOW, HIGH] }', 'found [LOW, HIGH]. Did you mean { in: [LOW, HIGH] }?'],
  ])('%s: is told how to write it', (filter, message) => {
    const [error] = ask(filter);
    expect(error?.message).toContain(message);
    expect(error?.locations).toHaveLength(1);
    expect(error && withoutSuggestions(error).message).not.toContain('Did you mean');
  });

  it('is not proposed where there is none', () => {
    expect(ask('{ severity: { eq: CRITICAL } }')).toEqual([]);
    expect(ask('{ or: CRITICAL }')[0]?.message).not.toContain('Did you mean');
  });
});

describe('an id', () => {
  const refusal = (id: string, path?: string[]) => {
    try {
      return nodeKey({ viewer: null }, id, path);
    } catch (error) {
      return error;
    }
  };

  it('of a known type tells what its end lacks, and where it stood', () => {
    expect(refusal('bug_x', ['ids', '1'])).toMatchObject({
      message: '"bug_x" is not an id: after bug_ come 26 characters of 0-9 and a-z without i, l, o and u',
      inputPath: ['ids', '1'],
    });
  });

  it.each(['bux_01m7xzkj54esprets8fzprkcz3', 'x', '', '_', 'constructor_1'])(
    'of no type, %j, tells which types there are',
    (id) => {
      expect(refusal(id)).toMatchObject({
        message: expect.stringContaining('ids start with one of aud, '),
        inputPath: ['id'],
      });
    },
  );
});

it('a setting that is wrong tells once what is allowed', () => {
  expect(() => loadEnv({ PORT: 'abc' })).toThrow(/\n- PORT = "abc": is not a whole number from 0 to 65535$/);
  expect(() => loadEnv({ GRAPHIQL: 'abc' })).toThrow(/is neither true nor false\. Allowed: true, false$/);
});
