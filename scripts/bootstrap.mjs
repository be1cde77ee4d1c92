// Makes a fresh clone runnable: installs the packages, then generates the database clients. Runs before the npm
// scripts that need either, under whatever Node the machine has (18 or newer) and without any package.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const installedMark = join(modules, '.argus-lock-hash');
const generated = join(root, 'generated');
const generatedMark = join(generated, '.hash');
const lockFile = join(root, '.argus', 'bootstrap.lock');
const isWindows = process.platform === 'win32';
const projectNode = join(modules, '.bin', isWindows ? 'node.cmd' : 'node');
// Their output depends on these versions as much as on the models.
const generators = ['prisma', '@prisma/client', '@pothos/plugin-prisma'];

/** A failure to tell in plain words, without a stack. */
class BootstrapError extends Error {}

/** The text of a file, or null when it cannot be read. */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function installHash() {
  const lock = read(join(root, 'package-lock.json'));
  if (lock === null) throw new BootstrapError('package-lock.json is missing: restore it from the repository.');
  return createHash('sha256').update(`${process.platform} ${process.arch}\n`).update(lock).digest('hex');
}

/** Whether npm's record of what it installed agrees with the lock file: true after an install done by hand. */
function isInstalledByHand() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const found = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages;
    return Object.entries(wanted).every(([path, entry]) => {
      if (path === '') return true;
      const present = found[path];
      if (!present) return Boolean(entry.optional || entry.devOptional || entry.peer);
      return present.version === entry.version && present.integrity === entry.integrity && existsSync(join(root, path));
    });
  } catch {
    return false;
  }
}

function isInstalled() {
  if (!existsSync(projectNode)) return false;
  const hash = installHash();
  if (read(installedMark) === hash) return true;
  if (!isInstalledByHand()) return false;
  writeFileSync(installedMark, hash);
  return true;
}

function modelFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? modelFiles(path) : entry.name.endsWith('.prisma') ? [path] : [];
    })
    .sort();
}

/** A hash of all that decides the generated clients, or null when there are no models to generate from. */
function generateHash() {
  const files = modelFiles(join(root, 'prisma'));
  if (files.length === 0) return null;
  const hash = createHash('sha256');
  for (const path of [...files, join(root, 'prisma.config.ts')])
    hash.update(`${path.slice(root.length)}\n${read(path)}\n`);
  for (const name of generators) {
    const manifest = read(join(modules, name, 'package.json'));
    hash.update(`${name} ${manifest === null ? 'absent' : JSON.parse(manifest).version}\n`);
  }
  return hash.digest('hex');
}

function isGenerated() {
  const hash = generateHash();
  return hash === null || read(generatedMark) === hash;
}

/** Runs a program quietly; says every 20 s that it still runs. Resolves to its exit code and the end of its output. */
function run(doing, program, args) {
  return new Promise((done) => {
    const began = Date.now();
    const still = setInterval(() => say(`still ${doing} (${Math.round((Date.now() - began) / 1000)} s)`), 20_000);
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: isWindows });
    let output = '';
    const gather = (chunk) => {
      output = (output + chunk).slice(-8000);
    };
    child.stdout.on('data', gather);
    child.stderr.on('data', gather);
    const end = (code) => {
      clearInterval(still);
      done({ code, output: output.trim() });
    };
    child.on('error', (error) => {
      output += error.message;
      end(-1);
    });
    child.on('close', end);
  });
}

function say(line) {
  process.stderr.write(`argus: ${line}\n`);
}

function adviceOn(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT/.test(output)) {
    return 'The package registry cannot be reached. Check the network and the proxy ("npm config list"), then run the same command again: what was fetched is kept.';
  }
  if (/spawn npm ENOENT|npm: not found/.test(output))
    return 'npm was not found: install Node.js with npm (20 or newer).';
  if (/ENOSPC|EDQUOT/.test(output)) return 'The disk is full: about 1 GB is needed.';
  if (/EACCES|EPERM|EROFS/.test(output)) {
    return `This user may not write in ${root}: run it as the folder's owner, or move the project to a writable folder.`;
  }
  if (/EUSAGE|in sync/.test(output)) return 'package.json and package-lock.json disagree: run "npm install" once.';
  return 'Run "npm ci" by hand to see all that npm says.';
}

async function npm(doing, args) {
  const { code, output } = await run(doing, 'npm', [...args, '--no-audit', '--no-fund', '--loglevel=error']);
  if (code === 0) return;
  // After a usage error npm adds its whole help.
  const said = output.split(/npm (?:error|ERR!)\s+npm (?:error|ERR!) Clean install a project/)[0];
  throw new BootstrapError(`npm failed while ${doing}.\n${said}\n${adviceOn(output)}`);
}

async function install() {
  const hash = installHash();
  if (read(installedMark) !== hash && !isInstalledByHand()) {
    say('installing packages (the first time this takes a minute or two) ...');
    // Only one package needs its install script, run below; the others' scripts fetch what is not used here.
    await npm('installing packages', ['ci', '--ignore-scripts', '--include=dev', '--include=optional']);
  }
  if (!existsSync(projectNode)) {
    say('fetching Node.js 24 for this project ...');
    await npm('fetching Node.js 24', ['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts']);
  }
  if (!existsSync(projectNode)) {
    throw new BootstrapError(
      `${projectNode} is still missing after the installation. Run "npm rebuild node --foreground-scripts" to see why, or delete node_modules and run the same command again.`,
    );
  }
  writeFileSync(installedMark, hash);
}

async function generate() {
  const hash = generateHash();
  say('generating the database clients ...');
  // Without its mark a generation that is interrupted is begun again.
  rmSync(generatedMark, { force: true });
  process.env.CHECKPOINT_DISABLE = '1';
  const command = join(modules, 'prisma', JSON.parse(read(join(modules, 'prisma', 'package.json'))).bin.prisma);
  const { code, output } = await run('generating', projectNode, [command, 'generate', '--no-hints']);
  if (code !== 0) throw new BootstrapError(`prisma generate failed.\n${output}`);
  mkdirSync(generated, { recursive: true });
  writeFileSync(generatedMark, hash);
}

/** Whether the process that holds the lock still lives; a lock without a number is one just being written. */
function isHeld() {
  const pid = Number(read(lockFile));
  if (!pid) {
    const age = Date.now() - (statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    return age < 5000;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function takeLock() {
  if (!existsSync(dirname(lockFile))) {
    mkdirSync(dirname(lockFile), { recursive: true });
    // The database's own account, used when all this runs as root, passes through this folder.
    chmodSync(dirname(lockFile), 0o755);
  }
  for (let told = false; ; ) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      process.on('exit', () => rmSync(lockFile, { force: true }));
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isHeld()) {
      if (!told) say('another process is installing: waiting for it ...');
      told = true;
      await new Promise((done) => setTimeout(done, 300));
    } else {
      try {
        unlinkSync(lockFile);
      } catch {
        // Someone else removed it first.
      }
    }
  }
}

async function main() {
  if (isInstalled() && isGenerated()) return;
  await takeLock();
  if (!isInstalled()) await install();
  if (!isGenerated()) await generate();
}

try {
  await main();
} catch (error) {
  const plain = error instanceof BootstrapError;
  const system = error.code ? `${error.message}\n${adviceOn(error.code)}` : error.stack;
  say(plain ? error.message : system);
  process.exitCode = 1;
}
