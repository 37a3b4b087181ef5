// deploy/aws/aws with a command "aws" that only notes what it is asked, since there is no account to try it on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { elastic } from '../lib/figures';
import { here } from '../lib/hosts';

const hidden = 'hunter2';

/** What the noting command answers, by how its arguments begin. */
const answers: Record<string, string> = {
  'sts get-caller-identity': '{}',
  'cloudwatch describe-alarms': 'risingstars-Errors',
  'scheduler list-schedules': 'risingstars-Database-off risingstars-Database-on',
  'scheduler get-schedule': JSON.stringify({ Arn: 'arn', CreationDate: 1, LastModificationDate: 2, Name: 'risingstars-Database-on', State: 'x', Target: { Arn: 't' } }),
  'ec2 describe-instances': 'i-1 i-2',
  'ec2 get-ebs-encryption-by-default': 'True',
  'rds describe-db-instances --db-instance-identifier risingstars --query': 'available',
  'rds describe-db-instances --db-instance-identifier risingstars --output text': 'subnets\tgroup\tparameters',
  'ssm get-parameter': 'ami-1',
  'ssm send-command': 'asked',
  'ssm get-command-invocation --command-id asked --instance-id i-1 i-2 --output text --query Status': 'Success',
  'secretsmanager get-random-password': hidden,
  'secretsmanager get-secret-value': '{"username":"stars","password":"old"}',
  'cloudformation describe-stacks': 'output',
  'ssm list-associations': 'id',
};

const stacks = 'cloudformation describe-stacks --stack-name risingstars-network';

interface Done {
  status: number | null;
  said: string;
  calls: string[];
  inputs: any[];
}

function command(args: string[], settings: Record<string, string> = {}, others: Record<string, string> = {}): Done {
  const folder = mkdtempSync(join(tmpdir(), 'risingstars-aws-'));
  try {
    const topology = settings.TOPOLOGY ?? 'classic';
    const known = { ...others, [stacks]: topology, ...answers, ...others }; // the first that fits is taken
    const cases = Object.entries(known).map(([call, answer]) => `"${call}"*) ${answer.startsWith('!') ? answer.slice(1) : `printf '%b\\n' '${answer}'`} ;;`);
    writeFileSync(
      join(folder, 'aws'),
      `#!/bin/bash\necho "$*" >>${folder}/calls\nfor a in "$@"; do case $a in file://*) cat "\${a#file://}" >>${folder}/inputs ;; esac; done\ncase "$*" in\n${cases.join('\n')}\nesac\n`,
      { mode: 0o755 },
    );
    const all: Record<string, string> = { REGION: 'sa-east-1', DOMAIN: 'stars.test', ADMIN_CIDR: '203.0.113.7/32', MAIL: 'me@stars.test', CREDITS: '50', ...settings };
    writeFileSync(join(folder, 'settings'), Object.entries(all).map(([k, v]) => `${k}='${v}'\n`).join(''));
    writeFileSync(join(folder, 'calls'), '');
    writeFileSync(join(folder, 'inputs'), '');
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, RISINGSTARS_AWS_SETTINGS: join(folder, 'settings') };
    const ran = spawnSync(join(here, 'aws'), args, { env, encoding: 'utf8' });
    const lines = (name: string): string[] => readFileSync(join(folder, name), 'utf8').split('\n').filter((line) => line !== '');
    return { status: ran.status, said: ran.stdout + ran.stderr, calls: lines('calls'), inputs: lines('inputs').map((line) => JSON.parse(line)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** changes are the calls that change something. */
const changes = (done: Done): string[] => done.calls.filter((call) => !/ (describe|list|get)-/.test(call)).map((call) => call.replace(/file:\S+/, 'FILE'));

const heed = (what: string): string[] => ['sa-east-1', 'us-east-1'].map((r) => `cloudwatch ${what}-alarm-actions --region ${r} --alarm-names risingstars-Errors`);
const wake = ['sa-east-1', 'us-east-1'].map((r) => `scheduler update-schedule --region ${r} --cli-input-json FILE`);
const database = ['--db-instance-identifier risingstars'];

test('stop silences alarms, keeps the schedule from waking things up, and stops the database', () => {
  const done = command(['stop']);
  assert.deepEqual([done.status, changes(done)], [0, [...heed('disable'), ...wake, `rds stop-db-instance ${database}`]]);
  for (const input of done.inputs) assert.deepEqual(input, { Name: 'risingstars-Database-on', State: 'DISABLED', Target: { Arn: 't' } });
});

test('stop hosts stops the machines too', () => {
  assert.ok(changes(command(['stop', 'hosts'])).includes('ec2 stop-instances --instance-ids i-1 i-2'));
  const elastic = changes(command(['stop', 'hosts'], { TOPOLOGY: 'elastic' })).filter((call) => /^(ec2|autoscaling)/.test(call));
  assert.deepEqual(elastic, Array(2).fill('autoscaling update-auto-scaling-group --auto-scaling-group-name output --min-size 0 --desired-capacity 0'));
});

test('start undoes it, the database first', () => {
  const done = command(['start'], {}, { [`rds describe-db-instances ${database} --query`]: 'stopped' });
  assert.deepEqual(
    [done.status, changes(done)],
    [0, [`rds start-db-instance ${database}`, `rds wait db-instance-available ${database}`, 'ec2 start-instances --instance-ids i-1 i-2', ...wake, ...heed('enable')]],
    done.said,
  );
  for (const input of done.inputs) assert.equal(input.State, 'ENABLED');
});

test('groups wake up at their least size', () => {
  const sizes = changes(command(['start'], { TOPOLOGY: 'elastic' })).filter((call) => call.startsWith('autoscaling')).map((call) => call.split(' --min-size ')[1]);
  assert.deepEqual(sizes, [elastic.web, elastic.worker].map(({ least }) => `${least} --desired-capacity ${least}`));
});

test('rotate gives database and secret the same new password, in no argument, and has the hosts take it', () => {
  const done = command(['rotate', 'database']);
  assert.equal(done.status, 0, done.said);
  assert.deepEqual(done.inputs, [
    { DBInstanceIdentifier: 'risingstars', MasterUserPassword: hidden, ApplyImmediately: true },
    { SecretId: 'output', SecretString: `{"username":"stars","password":"${hidden}"}` },
  ]);
  assert.equal(done.calls.filter((call) => call.startsWith('ssm start-associations-once')).length, 2);
  assert.ok(!`${done.said}${done.calls}`.includes(hidden));
});

test('stop of a stopped deployment is no error, and the alarm of the bill stays on', () => {
  const done = command(['stop'], {}, { [`rds describe-db-instances ${database} --query`]: 'stopped' });
  assert.equal(done.status, 0, done.said);
  assert.ok(!changes(done).some((call) => call.startsWith('rds')));
  for (const call of done.calls.filter((c) => c.includes('describe-alarms'))) assert.match(call, /\[\?AlarmName!='risingstars-Bill'\]/);
});

test("ElastiCache and the program get the same new password, and the cache takes the old one too for the time between", () => {
  const done = command(['rotate', 'redis'], { TOPOLOGY: 'elastic' });
  assert.equal(done.status, 0, done.said);
  assert.deepEqual(done.inputs, [
    { ReplicationGroupId: 'output', AuthToken: hidden, AuthTokenUpdateStrategy: 'ROTATE', ApplyImmediately: true },
    { SecretId: 'output', SecretString: hidden },
  ]);
  assert.ok(!`${done.said}${done.calls}`.includes(hidden));
});

test('restore makes the past beside, and changes names only while the hosts are stopped', () => {
  const done = command(['restore', '2026-11-25T17:00:00Z']);
  assert.equal(done.status, 0, done.said);
  const steps = changes(done).filter((call) => !call.includes(' wait '));
  assert.match(steps[0], /^rds restore-db-instance-to-point-in-time --source-db-instance-identifier risingstars --target-db-instance-identifier risingstars-restored --restore-time 2026-11-25T17:00:00Z --db-subnet-group-name subnets --vpc-security-group-ids group --db-parameter-group-name parameters .*--deletion-protection/);
  assert.deepEqual(steps.slice(1), [
    'ec2 stop-instances --instance-ids i-1 i-2',
    'rds modify-db-instance --db-instance-identifier risingstars --new-db-instance-identifier risingstars-old --apply-immediately',
    'rds modify-db-instance --db-instance-identifier risingstars-restored --new-db-instance-identifier risingstars --apply-immediately',
    'ec2 start-instances --instance-ids i-1 i-2',
  ]);
  assert.match(done.said, /risingstars-old, which costs/);
});

test('certificate has web ask for one, and says why there is none', () => {
  const done = command(['certificate']);
  assert.equal(done.status, 0, done.said);
  assert.ok(changes(done).some((call) => call.includes('commands=/usr/local/sbin/risingstars-certificate stars.test me@stars.test')));
  const failed = command(['certificate'], {}, { 'ssm get-command-invocation --command-id asked --instance-id i-1 i-2 --output text --query Status': 'Failed' });
  assert.equal(failed.status, 1);
  assert.match(failed.said, /Does stars\.test lead to output already/);
});

test('renew sets a machine up again on an encrypted disk', () => {
  const done = command(['renew', 'worker']);
  assert.equal(done.status, 0, done.said);
  assert.ok(changes(done).includes('ec2 create-replace-root-volume-task --instance-id i-1 i-2 --image-id ami-1 --delete-replaced-root-volume'));
  const plain = command(['renew', 'web'], {}, { 'ec2 get-ebs-encryption-by-default': 'False' });
  assert.match(plain.said, /perhaps not be encrypted/);
});

test('organizer prints the password, and shell is one by SSH', () => {
  assert.equal(command(['organizer'], {}, { 'secretsmanager get-secret-value': 'open sesame' }).said, 'open sesame\n');
  assert.ok(command(['shell', 'web']).calls.includes('ec2-instance-connect ssh --instance-id i-1 i-2 --os-user ubuntu --connection-type direct'));
});

test('what AWS says no to is said in words', () => {
  const missing = 'An error occurred (ValidationError): Stack with id risingstars-network does not exist';
  const said: [string[], Record<string, string>, RegExp][] = [
    [['stop'], { 'sts get-caller-identity': '!exit 255' }, /AWS does not know who you are/],
    [['update'], { [stacks]: `!echo "${missing}" >&2; exit 254` }, /nothing is deployed yet in sa-east-1/],
    [['update'], { [stacks]: '!echo "ExpiredToken" >&2; exit 254' }, /ExpiredToken/],
    [['start'], { [stacks]: 'elastic' }, /is elastic, and cannot become classic/],
    [['restore', '2026-11-25T17:00:00Z'], { [`rds describe-db-instances ${database} --query`]: 'stopped' }, /the database is stopped: say "start" first/],
    [['shell', 'files'], { 'ec2 describe-instances': '' }, /no host of the role files runs/],
    [['down', 'stars.test'], { 'rds describe-db-instances --query': 'risingstars-old' }, /delete the database risingstars-old first/],
  ];
  for (const [args, answer, want] of said) {
    const done = command(args, {}, answer);
    assert.equal(done.status, 1, done.said);
    assert.match(done.said, want);
    assert.deepEqual(changes(done), [], args.join(' '));
  }
});

test('help is what the script says at its top', () => {
  for (const flag of ['--help', '-h', 'help']) {
    const done = command([flag]);
    assert.equal(done.status, 0);
    assert.match(done.said, /^The deployment on AWS[^]*deploy\/aws\/aws down DOMAIN/);
  }
});

test('what would go wrong is refused before anything is asked of AWS', () => {
  const refused: [string[], Record<string, string>, RegExp][] = [
    [['down'], {}, /this destroys all data/],
    [['down', 'other.test'], {}, /this destroys all data/],
    [['rotate', 'all'], {}, /usage/],
    [['restore', 'yesterday'], {}, /usage/],
    [['stop', 'all'], {}, /usage/],
    [['shell'], {}, /usage/],
    [['renew', 'files'], {}, /usage/],
    [['up'], { MAIL: '' }, /settings\.env: MAIL is missing/],
    [['up'], { REGION: 'Bogota' }, /REGION is "Bogota"/],
    [['up'], { TOPOLOGY: 'huge' }, /TOPOLOGY is "huge", and must be like: classic or elastic/],
    [['up'], { DOMAIN: 'https://stars.test' }, /DOMAIN is/],
    [['up'], { ADMIN_CIDR: '0.0.0.0/0' }, /ADMIN_CIDR is/],
    [['up'], { ADMIN_CIDR: '203.0.113.7' }, /ADMIN_CIDR is/],
    [['up'], { ADMIN_CIDR: '203.0.113.300/32' }, /ADMIN_CIDR is/],
    [['up'], { MAIL: 'me' }, /MAIL is/],
    [['up'], { CREDITS: 'fifty' }, /CREDITS is/],
    [['up'], { IDLE_HOSTS: 'yes' }, /IDLE_HOSTS is/],
    [['up'], { STOP_AT: '24:00' }, /STOP_AT is/],
    [['up'], { DAYS: 'MON FRI' }, /DAYS is/],
    [['up'], { TIME_ZONE: 'now; x' }, /TIME_ZONE is/],
    [['stop'], { DOMAIN: 'stars.example.org' }, /values of the example/],
    [['grow'], {}, /deploy\/aws\/aws up/],
  ];
  for (const [args, settings, want] of refused) {
    const done = command(args, settings);
    const asked = done.calls.filter((call) => !call.startsWith('sts '));
    assert.deepEqual([done.status, asked], [1, []], `${args.join(' ')}: ${done.said}`);
    assert.match(done.said, want);
  }
});
