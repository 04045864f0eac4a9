import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, cronEnvironment, cronrun, lastOf, poll, scratch, start, statusOf } from '../helpers/cronrun.js';
import { describeUnless, needsLinux } from '../helpers/needs.js';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(`${ROOT}/docs/agents.md`, 'utf8');

/** The code of docs/agents.md that has this line in it, as a reader would copy it. */
function recipe(line: string): string {
  const blocks = [...PAGE.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  const code = blocks.find((block) => block.split('\n').includes(line));
  if (code === undefined) throw new Error(`docs/agents.md has no code with ${line}`);
  return code;
}

const PARTS = [1, 2, 3, 4, 5, 6, 7];

/** The shell job of the page, and a load-part that writes down each part it has done and waits where it is told to. */
function stage() {
  const directory = scratch();
  const [stateDir, bin, done] = [`${directory}/state`, `${directory}/bin`, `${directory}/done`];
  mkdirSync(bin);
  const script = (name: string, text: string) => {
    writeFileSync(`${bin}/${name}`, text);
    chmodSync(`${bin}/${name}`, 0o755);
  };
  script('import-parts', recipe('# import-parts'));
  symlinkSync(BIN, `${bin}/cronrun`);
  script(
    'load-part',
    `#!/bin/sh\n[ "$1" != "$WAITS_BEFORE" ] || { echo ready; exec sleep 1000; }\necho "$1" >>${done}\n`,
  );
  const envTo = (waitsBefore: number) => {
    const env = cronEnvironment({ WAITS_BEFORE: String(waitsBefore) });
    return { ...env, PATH: `${bin}:${env.PATH}` };
  };
  const partsDone = () => (existsSync(done) ? readFileSync(done, 'utf8').trim().split('\n').map(Number) : []);
  return { stateDir, command: ['exec', 'import', '--', `${bin}/import-parts`], envTo, partsDone };
}

type Stage = ReturnType<typeof stage>;

/** A run whose wrapper and command are killed with everything below them, before part number `before`. */
async function killedBefore({ stateDir, command, envTo }: Stage, before: number): Promise<void> {
  const run = start(stateDir, command, { env: envTo(before) });
  await run.says('ready');
  await poll(() => statusOf(stateDir, 'import').pid, 'the child in the record');
  const pid = Number(statusOf(stateDir, 'import').pid);
  run.child.kill('SIGKILL');
  await run.exited;
  process.kill(-pid, 'SIGKILL');
  await poll(() => lastOf(stateDir, 'import').reason === 'lost', 'the end of the command');
}

describeUnless(needsLinux(), 'the shell job of docs/agents.md', () => {
  // The part after it is one of those where its successor is killed.
  it.each(PARTS.filter((part) => part % 2 === 1))(
    'killed before part %i, and its successor before and after its own first checkpoint',
    async (part) => {
      const shop = stage();
      await killedBefore(shop, part); // at checkpoint part - 1
      await killedBefore(shop, part); // before its own first checkpoint
      if (part < 7) await killedBefore(shop, part + 1); // after it
      const { stateDir, command, envTo, partsDone } = shop;
      expect(cronrun(stateDir, command, { env: envTo(0) }).status).toBe(0);
      expect(partsDone()).toEqual(PARTS);

      // The next one begins anew: there is nothing to resume.
      cronrun(stateDir, command, { env: envTo(0) });
      expect(partsDone()).toEqual([...PARTS, ...PARTS]);
    },
  );
});

describe('the Node job of docs/agents.md', () => {
  it('knows whether the run before it completed, and goes on where that was cut short', () => {
    const directory = scratch();
    mkdirSync(`${directory}/node_modules`);
    symlinkSync(dirname(dirname(BIN)), `${directory}/node_modules/cronrun`);
    const code = recipe('// ask-first.mjs');
    writeFileSync(`${directory}/ask-first.mjs`, code);
    writeFileSync(
      `${directory}/killed.mjs`,
      `${code.replace('}\n', '  if (step === 2) process.kill(process.pid, 9);\n}\n')}`,
    );
    const says = (name: string) => {
      const command = ['exec', 'ask', '--', process.execPath, `${directory}/${name}`];
      return cronrun(`${directory}/state`, command).stdout;
    };
    expect(says('ask-first.mjs')).toBe('this is the first run\nstep 1\nstep 2\nstep 3\n');
    expect(says('killed.mjs')).toBe('the run before completed\nstep 1\nstep 2\n');
    expect(says('ask-first.mjs')).toBe('the run before: interrupted (signaled), as far as 2\nstep 3\n');
    expect(says('ask-first.mjs')).toBe('the run before completed\nstep 1\nstep 2\nstep 3\n');
  });
});
