import assert from 'node:assert/strict';
import { test } from 'node:test';
import { both, classic, elastic, everywhere, of, only, written } from './helpers';
import { longestTemplate } from '../lib/figures';
import { synth, Template } from '../lib/synth';

const alarmsOf = (template: Template): Record<string, any> =>
  Object.fromEntries(of(template, 'AWS::CloudWatch::Alarm').map(([, a]) => [a.Properties.AlarmName.replace('risingstars-', ''), a.Properties]));

for (const topology of ['classic', 'elastic'] as const) {
  const { templates, findings } = both[topology];

  test(`${topology}: cdk-nag and the CDK find nothing`, () => assert.deepEqual(findings, []));

  test(`${topology}: templates need neither assets nor a bucket`, () => {
    for (const [stack, template] of Object.entries(templates)) {
      assert.ok(JSON.stringify(template, undefined, 1).length < longestTemplate, stack);
      assert.equal(JSON.stringify(template).includes('cdk-bootstrap'), false, stack);
    }
  });

  test(`${topology}: half of the credits is when mail is sent, of the forecast and of what was spent`, () => {
    const { Budget, NotificationsWithSubscribers } = only(templates.costs, 'AWS::Budgets::Budget').Properties;
    assert.deepEqual([Budget.BudgetLimit, Budget.TimeUnit, Budget.CostTypes], [{ Amount: 100, Unit: 'USD' }, 'MONTHLY', { IncludeCredit: false }]);
    const topic = of(templates.costs, 'AWS::SNS::Topic')[0][0];
    for (const { Notification, Subscribers } of NotificationsWithSubscribers) {
      assert.deepEqual([Notification.Threshold, Notification.ThresholdType, Notification.ComparisonOperator], [50, 'PERCENTAGE', 'GREATER_THAN']);
      assert.deepEqual(Subscribers, [{ SubscriptionType: 'SNS', Address: { Ref: topic } }]);
    }
    assert.deepEqual(NotificationsWithSubscribers.map((n: any) => n.Notification.NotificationType), ['FORECASTED', 'ACTUAL']);
    const bill = alarmsOf(templates.costs).Bill;
    assert.deepEqual([bill.Namespace, bill.MetricName, bill.Threshold, bill.AlarmActions], ['AWS/Billing', 'EstimatedCharges', 50, [{ Ref: topic }]]);
  });

  test(`${topology}: all alarms go to the address that was given`, () => {
    for (const stack of ['guard', 'costs']) {
      const topic = of(templates[stack], 'AWS::SNS::Topic')[0][0];
      const subscription = only(templates[stack], 'AWS::SNS::Subscription').Properties;
      assert.deepEqual([subscription.Protocol, subscription.Endpoint, subscription.TopicArn], ['email', 'organizers@example.org', { Ref: topic }]);
      for (const alarm of Object.values(alarmsOf(templates[stack]))) {
        assert.deepEqual([alarm.AlarmActions, alarm.OKActions], [[{ Ref: topic }], [{ Ref: topic }]]);
      }
      const policy = JSON.stringify(only(templates[stack], 'AWS::SNS::TopicPolicy').Properties);
      assert.match(policy, /cloudwatch\.amazonaws\.com/);
      assert.match(policy, /budgets\.amazonaws\.com/);
    }
  });

  test(`${topology}: alarms on errors, p95, the queue, disks and health`, () => {
    const found = alarmsOf(templates.guard);
    const own = topology === 'classic' ? ['filesDisk', 'filesHealth', 'workerHealth'] : ['BalancerErrors'];
    assert.deepEqual(Object.keys(found).sort(), ['Errors', 'Slow', 'QueueAge', 'webDisk', 'workerDisk', 'databaseDisk', 'webHealth', ...own].sort());
    assert.deepEqual([found.Errors.MetricName, found.Errors.Statistic, found.Errors.Threshold], ['ServerErrors', 'Sum', 5]);
    assert.deepEqual([found.Slow.MetricName, found.Slow.ExtendedStatistic, found.Slow.Threshold], ['RequestSeconds', 'p95', 1]);
    assert.deepEqual([found.QueueAge.MetricName, found.QueueAge.Threshold], ['risingstars_jobs_oldest_age_seconds', 600]);
    assert.deepEqual([found.webDisk.MetricName, found.webDisk.Threshold], ['disk_used_percent', 80]);
    assert.deepEqual([found.databaseDisk.Threshold, found.databaseDisk.ComparisonOperator], [20 * 2 ** 30, 'LessThanThreshold']);
    assert.equal(found.webHealth.MetricName, topology === 'classic' ? 'StatusCheckFailed' : 'UnHealthyHostCount');
    const filters = of(templates.guard, 'AWS::Logs::MetricFilter').map(([, f]) => f.Properties.MetricTransformations[0].MetricName);
    assert.deepEqual(filters.sort(), ['RequestSeconds', 'ServerErrors']);
  });

  test(`${topology}: the site is asked from outside`, () => {
    const check = only(templates.costs, 'AWS::Route53::HealthCheck').Properties.HealthCheckConfig;
    assert.deepEqual([check.Type, check.FullyQualifiedDomainName, check.ResourcePath], ['HTTPS', 'stars.example.org', '/readyz']);
    assert.equal(alarmsOf(templates.costs).Down.MetricName, 'HealthCheckStatus');
  });

  test(`${topology}: every host has a place for its logs, which are not kept for ever`, () => {
    const groups = everywhere(both[topology], 'AWS::Logs::LogGroup').map((g) => g.Properties);
    for (const group of groups) assert.equal(group.RetentionInDays, 14);
    const roles = topology === 'classic' ? ['web', 'worker', 'files'] : ['web', 'worker'];
    const want = roles.flatMap((role) => ['metrics', 'requests', 'system'].map((log) => `/risingstars/${role}/${log}`));
    const have = groups.map((g) => g.LogGroupName).filter((name) => name?.startsWith('/risingstars/'));
    assert.deepEqual(have.sort(), want.sort());
  });
}

/** Schedules of a template, as TIME CALL. */
const schedules = (template: Template): string[] =>
  of(template, 'AWS::Scheduler::Schedule').map(([, s]) => {
    const p = s.Properties;
    assert.equal(p.ScheduleExpressionTimezone, 'America/Bogota');
    return `${p.ScheduleExpression} ${written(p.Target.Arn).split('aws-sdk:')[1]}`;
  }).sort();

const quiet = ['cron(0 23 ? * * *) cloudwatch:disableAlarmActions', 'cron(30 7 ? * * *) cloudwatch:enableAlarmActions'];
const database = ['cron(0 23 ? * * *) rds:stopDBInstance', 'cron(0 7 ? * * *) rds:startDBInstance'];

test('the database sleeps at night, and alarms with it', () => {
  for (const made of [classic, elastic]) {
    assert.deepEqual(schedules(made.templates.guard), [...quiet, ...database].sort());
    assert.deepEqual(schedules(made.templates.costs), [...quiet].sort());
  }
});

test('if asked, the machines sleep too', () => {
  const machines = ['cron(0 23 ? * * *) ec2:stopInstances', 'cron(0 7 ? * * *) ec2:startInstances'];
  const made = synth({ idleHosts: 'true' });
  assert.deepEqual(schedules(made.templates.guard), [...quiet, ...database, ...machines].sort());
  assert.deepEqual(made.findings, []);
  const groups = synth({ idleHosts: 'true', topology: 'elastic' });
  const calls = ['cron(0 23 ? * * *)', 'cron(0 7 ? * * *)'].flatMap((t) => Array(2).fill(`${t} autoscaling:updateAutoScalingGroup`));
  assert.deepEqual(schedules(groups.templates.guard), [...quiet, ...database, ...calls].sort());
  assert.deepEqual(groups.findings, []);
});

test('settings that cannot be are refused', () => {
  for (const [name, value] of Object.entries({
    topology: 'huge', adminCidr: '0.0.0.0/0', domain: 'https://stars', mail: 'me', credits: '0', stopAt: '24:00', days: 'MONDAY', release: 'latest', timeZone: 'now; x',
  })) {
    assert.throws(() => synth({ [name]: value }), new RegExp(`^Error: ${name}:`));
  }
});
