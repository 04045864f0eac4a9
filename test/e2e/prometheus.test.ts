import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import {
  cronEnvironment,
  cronrun,
  type Result,
  runProgram,
  scratch,
  startProgram,
} from '../helpers/cronrun.js';
import { blocks, read } from '../helpers/documents.js';
import { describeUnless } from '../helpers/needs.js';
import { askUntil, freePort, needsPrometheus, type Sample } from '../helpers/prometheus.js';
import { plantStartRecord } from '../helpers/start-records.js';

let stateDir: string;
let directory: string;

beforeEach(() => {
  stateDir = scratch();
  directory = scratch();
});

function exec(job: string, code: number): void {
  const env = cronEnvironment({ CRONRUN_TEXTFILE_DIR: directory });
  cronrun(stateDir, ['exec', job, '--', 'sh', '-c', `exit ${code}`], { env });
}

function promtool(args: readonly string[], input = ''): Result {
  return runProgram('promtool', args, { input });
}

/** The rules of the README in a file of their own. */
function rulesFile(): string {
  const file = `${scratch()}/rules.yml`;
  const rules = blocks(read('README.md'), 'yaml').find((block) => block.includes('alert:'));
  writeFileSync(file, rules ?? '');
  return file;
}

/** Debian's node exporter with nothing but the textfiles. @returns its port. */
async function startExporter(): Promise<number> {
  const port = await freePort();
  startProgram(stateDir, 'prometheus-node-exporter', [
    `--web.listen-address=127.0.0.1:${port}`,
    '--collector.disable-defaults',
    '--collector.textfile',
    `--collector.textfile.directory=${directory}`,
  ]);
  return port;
}

/** @returns where it is asked. */
async function startPrometheus(target: number): Promise<string> {
  const port = await freePort();
  const home = scratch();
  mkdirSync(`${home}/data`);
  writeFileSync(
    `${home}/prometheus.yml`,
    `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ['${rulesFile()}']
scrape_configs:
  - job_name: node
    static_configs: [{ targets: ['127.0.0.1:${target}'] }]
`,
  );
  startProgram(stateDir, 'prometheus', [
    `--config.file=${home}/prometheus.yml`,
    `--storage.tsdb.path=${home}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  return `http://127.0.0.1:${port}/api/v1`;
}

describeUnless(needsPrometheus(), 'Prometheus', () => {
  it('has nothing to complain of: promtool check metrics', () => {
    expect(promtool(['check', 'metrics'], cronrun(stateDir, ['metrics']).stdout)).toMatchObject({
      status: 0,
      stdout: '',
      stderr: '',
    });
    for (const code of [0, 3]) exec(`job-${code}`, code);
    plantStartRecord(stateDir, 'cut.short_1');
    const { stdout } = cronrun(stateDir, ['metrics']);
    expect(stdout).toContain('cronrun_job_last_exit_code{job_name="cut.short_1"} 195\n');
    expect(promtool(['check', 'metrics'], stdout)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('takes the rules of the README', () => {
    const { status, stdout } = promtool(['check', 'rules', rulesFile()]);
    expect(stdout).toMatch(/SUCCESS: [1-9]\d* rules? found/);
    expect(status).toBe(0);
  });

  it('is told by the node exporter, which finds no error in the file', async () => {
    exec('backup', 3);
    const port = await startExporter();
    const url = `http://127.0.0.1:${port}/metrics`;
    const scrape = (fits: (text: string) => boolean) => askUntil(url, fits, (response) => response.text());
    const text = await scrape((seen) => seen.includes('cronrun_job'));
    expect(text).toContain('\nnode_textfile_scrape_error 0\n');
    expect(text).toContain('\ncronrun_job_last_exit_code{job_name="backup"} 3\n');
    expect(text).toMatch(/\nnode_textfile_mtime_seconds\{file="[^"]*cronrun\.prom"\} /);
    exec('backup', 0);
    await scrape((seen) => seen.includes('cronrun_job_last_exit_code{job_name="backup"} 0\n'));
  });

  it('scrapes it, keeps our label beside its own, and alerts by the rules of the README', async () => {
    exec('good', 0);
    exec('bad', 23);
    plantStartRecord(stateDir, 'cut');
    cronrun(stateDir, ['metrics', '--textfile', directory]);
    const api = await startPrometheus(await startExporter());

    type Answer = { readonly data: { readonly result: readonly Sample[] } };
    const query = (expression: string) =>
      askUntil(
        `${api}/query?query=${encodeURIComponent(expression)}`,
        ({ data }: Answer) => data.result.length > 0,
        (response) => response.json() as Promise<Answer>,
      );
    const { data } = await query('cronrun_job_last_exit_code{job_name="bad"}');
    expect(data.result).toMatchObject([
      { metric: { job: 'node', job_name: 'bad' }, value: [expect.any(Number), '23'] },
    ]);
    expect(data.result[0]?.metric).not.toHaveProperty('exported_job');
    expect((await query('sum(cronrun_job_interrupted)')).data.result[0]?.value[1]).toBe('1');
    expect(
      (await query('cronrun_job_runs_total{job_name="good",status="completed"}')).data.result[0]?.value[1],
    ).toBe('1');

    type Alerts = {
      readonly data: { readonly alerts: readonly { labels: Record<string, string>; state: string }[] };
    };
    const firing = ({ data: { alerts } }: Alerts) => alerts.filter(({ state }) => state === 'firing');
    const alerts = await askUntil(
      `${api}/alerts`,
      (seen: Alerts) => firing(seen).length >= 2,
      (response) => response.json() as Promise<Alerts>,
    );
    const told = firing(alerts).map(({ labels }) => `${labels.alertname} ${labels.job_name}`);
    expect([...new Set(told)].sort()).toEqual(['CronJobCutShort cut', 'CronJobFailed bad']);
  });
});
