import { Duration, Stack, StackProps } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { Compute } from './compute';
import { Data } from './data';
import { alarms, database, elastic } from './figures';
import { Files } from './files';
import { namespace } from './hosts';
import { mailTopic, tell } from './mail';
import { Action, Sleeper } from './sleep';
import { Settings } from './settings';

interface Props extends StackProps {
  settings: Settings;
  data: Data;
  files: Files;
  compute: Compute;
}

/** Alarms on what runs, and when it sleeps. */
export class Guard extends Stack {
  private readonly topic: sns.Topic;
  private readonly names: string[] = [];

  constructor(scope: Construct, id: string, private readonly props: Props) {
    super(scope, id, props);
    this.topic = mailTopic(this, props.settings.mail);
    this.watchRequests();
    this.watchQueue();
    this.watchDisks();
    this.watchHealth();
    this.sleep();
  }

  /** watchRequests reads nginx's log. Uploads and streams take as long as they take, and do not count. */
  private watchRequests(): void {
    const { requests } = this.props.compute.web;
    const filter = (id: string, pattern: string, metricValue: string, unit: cloudwatch.Unit): cloudwatch.Metric =>
      new logs.MetricFilter(this, id, {
        logGroup: logs.LogGroup.fromLogGroupName(this, `${id}Log`, requests.logGroupName),
        filterPattern: logs.FilterPattern.literal(pattern),
        metricNamespace: namespace,
        metricName: id,
        metricValue,
        unit,
      }).metric({ period: Duration.minutes(1) });
    const errors = filter('ServerErrors', '{ $.status >= 500 }', '1', cloudwatch.Unit.COUNT);
    const short = ['/api/videos/upload*', '/api/uploads*', '*/events', '*/eventos'].map((path) => `($.path != "${path}")`);
    const seconds = filter('RequestSeconds', `{ ($.seconds >= 0) && ${short.join(' && ')} }`, '$.seconds', cloudwatch.Unit.SECONDS);
    this.alarm('Errors', errors.with({ statistic: 'Sum' }), alarms.errorsPerMinute, 'The site answers with 5xx.', 3);
    this.alarm('Slow', seconds.with({ statistic: 'p95' }), alarms.p95Seconds, 'One request of twenty takes longer than this.', 5);
  }

  private watchQueue(): void {
    const age = new cloudwatch.Metric({
      namespace,
      metricName: 'risingstars_jobs_oldest_age_seconds',
      dimensionsMap: { state: 'available' },
      statistic: 'Maximum',
      period: Duration.minutes(1),
    });
    this.alarm('QueueAge', age, alarms.queueAgeSeconds, 'A video has waited this long.', 5);
  }

  private watchDisks(): void {
    const { data, files, compute } = this.props;
    const disk = (id: string, dimension: Record<string, string>): void => {
      const used = new cloudwatch.Metric({
        namespace,
        metricName: 'disk_used_percent',
        dimensionsMap: dimension,
        statistic: 'Maximum',
        period: Duration.minutes(5),
      });
      this.alarm(`${id}Disk`, used, alarms.diskPercent, `The disk of ${id} fills up.`, 2);
    };
    for (const [id, machine] of Object.entries({ ...compute.machines, files: files.server })) {
      if (machine) disk(id, { InstanceId: machine.ref });
    }
    for (const [id, group] of Object.entries(compute.groups)) {
      if (group) disk(id, { AutoScalingGroupName: group.autoScalingGroupName });
    }
    const free = data.database.metricFreeStorageSpace({ statistic: 'Minimum', period: Duration.minutes(5) });
    this.alarm('databaseDisk', free, database.freeGiB * 2 ** 30, "The database's disk fills up.", 2, 'less');
  }

  /** watchHealth has AWS's checks of machines, and the balancer's of the program. That of the site itself is in costs.ts. */
  private watchHealth(): void {
    const { compute, files } = this.props;
    for (const [id, machine] of Object.entries({ ...compute.machines, files: files.server })) {
      if (!machine) continue;
      const failed = new cloudwatch.Metric({
        namespace: 'AWS/EC2',
        metricName: 'StatusCheckFailed',
        dimensionsMap: { InstanceId: machine.ref },
        statistic: 'Maximum',
        period: Duration.minutes(1),
      });
      this.alarm(`${id}Health`, failed, 1, `The machine ${id} fails its checks.`, 3);
    }
    const { balancer, target } = compute;
    if (!balancer || !target) return;
    const period = Duration.minutes(1);
    this.alarm('webHealth', target.metrics.unhealthyHostCount({ statistic: 'Maximum', period }), 1, 'A web host is not ready.', 5);
    const own = balancer.metrics.httpCodeElb(elb.HttpCodeElb.ELB_5XX_COUNT, { statistic: 'Sum', period });
    this.alarm('BalancerErrors', own, alarms.errorsPerMinute, 'The balancer answers with 5xx itself.', 3);
  }

  private alarm(
    id: string,
    metric: cloudwatch.IMetric,
    threshold: number,
    alarmDescription: string,
    evaluationPeriods: number,
    than: 'more' | 'less' = 'more',
  ): void {
    const alarmName = `risingstars-${id}`;
    const alarm = new cloudwatch.Alarm(this, id, {
      alarmName,
      alarmDescription,
      metric,
      threshold,
      evaluationPeriods,
      comparisonOperator:
        than === 'more'
          ? cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
          : cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.MISSING, // it sleeps at night
    });
    tell(alarm, this.topic);
    this.names.push(alarmName);
  }

  private sleep(): void {
    const { compute, data, files, settings } = this.props;
    const db = data.database.instanceIdentifier;
    const actions: Action[] = [
      { id: 'Database', service: 'rds', on: 'startDBInstance', off: 'stopDBInstance', input: { DbInstanceIdentifier: db }, resources: [data.database.instanceArn] },
    ];
    const machines = [compute.machines.web, compute.machines.worker, files.server].flatMap((m) => (m ? [m.ref] : []));
    if (settings.idleHosts && machines.length > 0) {
      actions.push({
        id: 'Machines',
        service: 'ec2',
        on: 'startInstances',
        off: 'stopInstances',
        input: { InstanceIds: machines },
        resources: machines.map((id) => this.formatArn({ service: 'ec2', resource: 'instance', resourceName: id })),
      });
    }
    for (const role of ['web', 'worker'] as const) {
      const group = compute.groups[role];
      if (!settings.idleHosts || !group) continue;
      const size = (n: number): object => ({ AutoScalingGroupName: group.autoScalingGroupName, MinSize: n, DesiredCapacity: n });
      actions.push({
        id: `${role}Group`,
        service: 'autoscaling',
        on: 'updateAutoScalingGroup',
        off: 'updateAutoScalingGroup',
        input: { on: size(elastic[role].least), off: size(0) },
        resources: [`arn:${this.partition}:autoscaling:${this.region}:${this.account}:autoScalingGroup:*:autoScalingGroupName/${group.autoScalingGroupName}`],
      });
    }
    new Sleeper(this, settings, actions, this.names);
  }
}
