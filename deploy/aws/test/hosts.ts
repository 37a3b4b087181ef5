import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { both, classic, elastic, everywhere, of, only, written } from './helpers';
import { here } from '../lib/hosts';
import { synth, Synthesized } from '../lib/synth';

for (const topology of ['classic', 'elastic'] as const) {
  const templates = everywhere(both[topology], 'AWS::EC2::LaunchTemplate').map((t) => t.Properties.LaunchTemplateData);

  test(`${topology}: every machine has 2 processors, 2 GiB, 50 GB and Ubuntu LTS`, () => {
    assert.equal(templates.length, topology === 'classic' ? 3 : 2);
    for (const data of templates) {
      assert.equal(data.InstanceType, 't3.small'); // 2 vCPU, 2 GiB
      assert.match(data.ImageId, /^resolve:ssm:\/aws\/service\/canonical\/ubuntu\/server\/24\.04\/stable\/current\/amd64\/hvm\/ebs-gp3\/ami-id$/);
      assert.deepEqual(data.BlockDeviceMappings, [
        { DeviceName: '/dev/sda1', Ebs: { DeleteOnTermination: true, Encrypted: true, VolumeSize: 50, VolumeType: 'gp3' } },
      ]);
    }
  });

  test(`${topology}: the metadata of machines is read by who is on them only`, () => {
    for (const data of templates) {
      assert.equal(data.MetadataOptions.HttpTokens, 'required');
      assert.equal(data.MetadataOptions.HttpPutResponseHopLimit, 1);
    }
  });

  test(`${topology}: user data fetches the release and runs the role, and nothing else`, () => {
    const script = readFileSync(join(here, 'host', 'join'), 'utf8');
    for (const data of templates) {
      const text = written(data.UserData);
      const rest = text.replace(script, '').split('\n').filter((line) => line !== '');
      assert.match(rest[1], /^install -d -m 755 \/etc\/risingstars && echo (web|worker|files) >\/etc\/risingstars\/role$/);
      assert.deepEqual([...rest.slice(0, 1), ...rest.slice(2)], [
        '#!/bin/bash',
        "cat >/usr/local/sbin/risingstars-join <<'END OF JOIN'",
        'END OF JOIN',
        'chmod 755 /usr/local/sbin/risingstars-join',
        'exec /usr/local/sbin/risingstars-join',
      ]);
      assert.ok(text.length < 16384, 'longer than user data may be');
      execFileSync('bash', ['-n'], { input: text });
    }
  });

  test(`${topology}: releases do not replace or restart machines`, () => {
    const before = JSON.stringify({ ...both[topology].templates, release: undefined });
    assert.doesNotMatch(before, /0{64}\.tar\.gz/); // the name of the release
    assert.match(JSON.stringify(both[topology].templates.release), /0{64}\.tar\.gz/);
  });

  test(`${topology}: hosts take a release one after the other, web last, and the update waits for them`, () => {
    const found = of(both[topology].templates.release, 'AWS::SSM::Association');
    const order: string[] = [];
    for (let ready = 0; ready < found.length; ready++) {
      const next = found.find(([id, a]) => !order.includes(id) && (a.DependsOn ?? []).every((d) => order.includes(d) || !found.some(([i]) => i === d)));
      assert.ok(next);
      order.push(next[0]);
    }
    const roles = order.map((id) => both[topology].templates.release.Resources[id].Properties.Targets[0]);
    const want = topology === 'classic' ? ['files', 'worker', 'web'] : ['worker', 'web'];
    assert.deepEqual(roles, want.map((role) => ({ Key: 'tag:risingstars-role', Values: [role] })));
    for (const [, association] of found) {
      assert.equal(association.Properties.MaxConcurrency, '1');
      assert.equal(association.Properties.MaxErrors, '0');
      assert.equal(association.Properties.WaitForSuccessTimeoutSeconds, 900);
    }
  });

  test(`${topology}: hosts look again when a setting has changed, though the release has not`, () => {
    const commands = (made: Synthesized): string[] => of(made.templates.release, 'AWS::SSM::Association').map(([, a]) => a.Properties.Parameters.commands[0]);
    const now = commands(both[topology]);
    assert.deepEqual(commands(synth({ topology })), now);
    const changed = commands(synth({ topology, adminCidr: '203.0.113.0/24' }));
    for (const [i, command] of changed.entries()) assert.notEqual(command, now[i]);
  });

  test(`${topology}: a role reads its own settings, and the secrets it needs`, () => {
    for (const [stack, template] of Object.entries(both[topology].templates)) {
      for (const [id, resource] of of(template, 'AWS::IAM::Policy')) {
        const text = JSON.stringify(resource.Properties.PolicyDocument);
        assert.equal(text.includes('secretsmanager:GetSecretValue'), stack === 'compute', id);
        assert.doesNotMatch(text, /"Action":"\*"|secretsmanager:\*/);
        assert.equal(text.includes('OrganizerPassword'), id.startsWith('webRole'), id);
      }
    }
  });
}

test('classic: one machine of each role, at its address, that nobody ends by mistake', () => {
  const found = everywhere(classic, 'AWS::EC2::Instance').map((i) => i.Properties);
  assert.deepEqual(
    found.map((p) => [p.Tags.find((t: any) => t.Key === 'risingstars-role').Value, p.PrivateIpAddress, p.DisableApiTermination]).sort(),
    [
      ['files', '10.42.0.30', true],
      ['web', '10.42.0.10', true],
      ['worker', '10.42.0.20', true],
    ],
  );
  for (const p of found) assert.deepEqual(p.LaunchTemplate.Version['Fn::GetAtt'][1], 'DefaultVersionNumber');
  assert.deepEqual(everywhere(elastic, 'AWS::EC2::Instance'), []);
});

test("classic: the media's disk is copied every night", () => {
  const { PolicyDetails, State } = only(classic.templates.files, 'AWS::DLM::LifecyclePolicy').Properties;
  assert.equal(State, 'ENABLED');
  assert.deepEqual(PolicyDetails.TargetTags, [{ Key: 'risingstars-role', Value: 'files' }]);
  assert.equal(PolicyDetails.Schedules[0].RetainRule.Count, 7);
});

test('elastic: web by the processor, workers by the videos that wait for each', () => {
  const policies = of(elastic.templates.compute, 'AWS::AutoScaling::ScalingPolicy').map(([, p]) => p.Properties.TargetTrackingConfiguration);
  assert.equal(policies.length, 2);
  const cpu = policies.find((p) => p.PredefinedMetricSpecification);
  assert.deepEqual([cpu.PredefinedMetricSpecification.PredefinedMetricType, cpu.TargetValue], ['ASGAverageCPUUtilization', 60]);
  const queue = policies.find((p) => p.CustomizedMetricSpecification);
  assert.equal(queue.TargetValue, 5);
  const [waiting, workers, each] = queue.CustomizedMetricSpecification.Metrics;
  assert.equal(waiting.MetricStat.Metric.MetricName, 'risingstars_jobs');
  assert.equal(workers.MetricStat.Metric.MetricName, 'GroupInServiceInstances');
  assert.equal(each.Expression, 'waiting / MAX([workers, TIME_SERIES(1)])');
  const sizes = of(elastic.templates.compute, 'AWS::AutoScaling::AutoScalingGroup').map(([, g]) => [g.Properties.MinSize, g.Properties.MaxSize]);
  assert.deepEqual(sizes.sort(), [
    ['1', '6'],
    ['2', '4'],
  ]);
});

test('elastic: the balancer speaks TLS to the world and to nginx, and asks whether the program is ready', () => {
  const listeners = of(elastic.templates.compute, 'AWS::ElasticLoadBalancingV2::Listener').map(([, l]) => l.Properties);
  assert.deepEqual(listeners.map((l) => [l.Port, l.Protocol, l.DefaultActions[0].Type]).sort(), [
    [443, 'HTTPS', 'forward'],
    [80, 'HTTP', 'redirect'],
  ]);
  const target = only(elastic.templates.compute, 'AWS::ElasticLoadBalancingV2::TargetGroup').Properties;
  assert.deepEqual([target.Port, target.Protocol, target.HealthCheckPath, target.HealthCheckProtocol], [443, 'HTTPS', '/readyz', 'HTTPS']);
});

test('elastic: the certificate, which may be waited for long, is there before any machine', () => {
  const id = of(elastic.templates.network, 'AWS::CertificateManager::Certificate')[0][0];
  assert.equal(everywhere(elastic, 'AWS::CertificateManager::Certificate').length, 1);
  const site = of(elastic.templates.compute, 'AWS::ElasticLoadBalancingV2::Listener').find(([, l]) => l.Properties.Port === 443);
  assert.ok(JSON.stringify(site?.[1].Properties.Certificates).includes(id));
  for (const group of everywhere(elastic, 'AWS::AutoScaling::AutoScalingGroup').filter((g) => g.Properties.HealthCheckType === 'EC2,ELB')) {
    assert.equal(group.Properties.HealthCheckGracePeriod, 30 * 60);
  }
});

test('a deployment says of which topology it is', () => {
  assert.equal((classic.templates.network.Outputs?.Topology as any).Value, 'classic');
  assert.equal((elastic.templates.network.Outputs?.Topology as any).Value, 'elastic');
});

test('elastic: media are in a bucket that nobody outside reads', () => {
  const bucket = only(elastic.templates.files, 'AWS::S3::Bucket').Properties;
  assert.deepEqual(Object.values(bucket.PublicAccessBlockConfiguration), [true, true, true, true]);
  assert.ok(bucket.BucketEncryption);
  assert.deepEqual(everywhere(classic, 'AWS::S3::Bucket').length, 1); // of the releases
});

test('the agent sends what alarms and scaling read', () => {
  const agent = JSON.parse(readFileSync(join(here, 'host', 'agent.json'), 'utf8'));
  const [declared] = agent.logs.metrics_collected.prometheus.emf_processor.metric_declaration;
  assert.deepEqual(declared.metric_selectors, ['^risingstars_jobs$', '^risingstars_jobs_oldest_age_seconds$']);
  const logged = agent.logs.logs_collected.files.collect_list.map((l: any) => l.log_group_name.split('/').pop());
  assert.deepEqual([...logged, agent.logs.metrics_collected.prometheus.log_group_name.split('/').pop()], ['system', 'requests', 'metrics']);
  const source = readFileSync(join(here, '../../internal/app/metrics.go'), 'utf8');
  for (const name of ['"risingstars_jobs"', '"risingstars_jobs_oldest_age_seconds"', '"available"']) assert.ok(source.includes(name), name);
  assert.ok(existsSync(join(here, 'host', 'setup')));
});
