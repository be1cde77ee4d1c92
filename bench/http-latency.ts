// Latency of typical operations through the whole stack: node bench/http-latency.ts <address> <key> [intel|delivery] [runs]
// One client, one request after the other; the first 20 of each operation warm up. Figures in milliseconds.
import { Client, measure, type Operations } from './latency.ts';
import { DELIVERY } from './operations/delivery.ts';
import { INTEL } from './operations/intel.ts';

const SETS: Record<string, Operations> = { intel: INTEL, delivery: DELIVERY };
const [address, key, set = 'intel', runs = '200'] = process.argv.slice(2);
const operations = SETS[set];
if (!address || !key || !operations) {
  console.error('usage: node bench/http-latency.ts http://127.0.0.1:4000/graphql <key> [intel|delivery] [runs]');
  process.exit(2);
}
console.table(await measure(new Client(address, key), operations, Number(runs)));
