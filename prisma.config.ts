import { defineConfig } from 'prisma/config';

// `prisma generate` needs no engine, but the CLI insists on finding one: any executable satisfies it.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({ schema: 'prisma' });
