import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface SourceFile {
  /** from the project's root, with forward slashes */
  path: string;
  text: string;
}

const ROOT = new URL('../../', import.meta.url).pathname;

/** TypeScript and JavaScript files under folders of the project. */
export function sourceFiles(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs|js)$/.test(name))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })),
  );
}

/** What a file imports: paths from the root for files of the project, names for packages. */
export function importsOf({ path, text }: SourceFile): string[] {
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s+'([^']+)'|import\(\s*'([^']+)'|(?:^|\n)\s*import\s+'([^']+)'/g,
  );
  return [...found].map(([, from, dynamic, bare]) => {
    const name = from ?? dynamic ?? bare ?? '';
    return name.startsWith('.') ? normalize(join(dirname(path), name)).replaceAll('\\', '/') : name;
  });
}

const MODULE = /^src\/modules\/([^/]+)\//;
/** Of the platform, which every module builds on: its types and its entities. */
const SHARED = /^src\/modules\/platform\/([\w-]+\.schema|entities)\.ts$/;
const GRAPHQL = /^(graphql(-yoga)?(\/|$)|@pothos\/|src\/graphql\/builder\.ts$)/;

/** Rules for who may import what. Each gives the reason when it is broken, and null when it is not. */
export const IMPORT_RULES: readonly ((from: string, to: string) => string | null)[] = [
  (from, to) => {
    const [, inside] = MODULE.exec(from) ?? [];
    const [, other] = MODULE.exec(to) ?? [];
    if (!inside || !other || inside === other || to.endsWith('.service.ts') || SHARED.test(to)) return null;
    return 'another module is used through its services, and the platform through its types too';
  },
  (from, to) => (from.endsWith('.service.ts') && GRAPHQL.test(to) ? 'a service knows nothing of GraphQL' : null),
  (from, to) =>
    to === 'src/schema.ts' && from.startsWith('src/') && from !== 'src/app.ts'
      ? 'the schema is what everything is loaded into: only the server is made of it'
      : null,
  (from, to) =>
    to.startsWith('test/') && !from.startsWith('test/') ? 'what is shipped does not need the tests' : null,
];

export function brokenImports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap((to) =>
      IMPORT_RULES.flatMap((rule) => {
        const reason = rule(file.path, to);
        return reason ? [`${file.path} imports ${to}: ${reason}`] : [];
      }),
    ),
  );
}

export const MAX_LINES = 300;

/** Rules for single files. */
export function brokenFiles(files: readonly SourceFile[], environment: readonly string[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1;
    const name = path.split('/').at(-1) ?? '';
    return [
      ...(lines > MAX_LINES ? [`${path} has ${lines} lines`] : []),
      ...(/^(utils?|helpers?)\./.test(name) ? [`${path} does not say what it is for`] : []),
      ...(path.startsWith('src/') && !environment.includes(path) && /process\.env\b/.test(text)
        ? [`${path} reads the environment past src/env.ts`]
        : []),
    ];
  });
}
