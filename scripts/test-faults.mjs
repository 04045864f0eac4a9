// npm run test:faults [-- --full] [-- FILE...]: causes every fault there is and prints what was tried and found. Without
// --full the longest sweeps and storms are a bounded sample of themselves.
import { spawnSync } from 'node:child_process';

const args = process.argv.slice(2);
const full = args.includes('--full');
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'faults', ...args.filter((arg) => arg !== '--full')],
  { stdio: 'inherit', env: { ...process.env, CRONRUN_FAULTS: full ? 'full' : 'sample' } },
);
process.exit(status ?? 1);
