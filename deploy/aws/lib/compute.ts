import { CfnOutput, Duration, Stack, StackProps, Tags } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { Data } from './data';
import { excuse } from './excuses';
import { elastic, network as figures, ports } from './figures';
import { Files } from './files';
import { Host, namespace, roleTag } from './hosts';
import { Network } from './network';
import { Settings } from './settings';

interface Props extends StackProps {
  settings: Settings;
  network: Network;
  data: Data;
  files: Files;
}

/** The machines that run the program: one of each role, or as many as there is work for. */
export class Compute extends Stack {
  readonly web: Host;
  readonly worker: Host;
  readonly machines: { web?: ec2.CfnInstance; worker?: ec2.CfnInstance } = {};
  readonly groups: { web?: autoscaling.AutoScalingGroup; worker?: autoscaling.AutoScalingGroup } = {};
  readonly balancer?: elb.ApplicationLoadBalancer;
  readonly target?: elb.ApplicationTargetGroup;

  constructor(scope: Construct, id: string, props: Props) {
    super(scope, id, props);
    const { data, network } = props;
    const { releases } = data;
    const secrets = [data.databaseSecret, data.tokenKey, data.redisPassword];
    this.web = new Host(this, 'web', network, { releases, secrets: [...secrets, data.organizerPassword] });
    this.worker = new Host(this, 'worker', network, { releases, secrets });
    if (props.settings.topology === 'classic') {
      this.machines.web = this.web.single(network, figures.addresses.web);
      this.machines.worker = this.worker.single(network, figures.addresses.worker);
      const address = new ec2.CfnEIP(this, 'Address', { domain: 'vpc', instanceId: this.machines.web.ref });
      new CfnOutput(this, 'SiteAddress', { value: address.ref });
      return;
    }
    for (const host of [this.web, this.worker]) props.files.bucket?.grantReadWrite(host.role);
    this.groups.web = this.group(this.web, network, elastic.web.least, elastic.web.most);
    this.groups.worker = this.group(this.worker, network, elastic.worker.least, elastic.worker.most);
    this.groups.web.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: elastic.web.cpuPercent });
    this.scaleByQueue(this.groups.worker);
    for (const [name, group] of Object.entries({ WebGroup: this.groups.web, WorkerGroup: this.groups.worker })) {
      new CfnOutput(this, name, { value: group.autoScalingGroupName });
    }
    [this.balancer, this.target] = this.balance(network, this.groups.web);
    new CfnOutput(this, 'SiteAddress', { value: this.balancer.loadBalancerDnsName });
  }

  private group(host: Host, network: Network, minCapacity: number, maxCapacity: number): autoscaling.AutoScalingGroup {
    const group = new autoscaling.AutoScalingGroup(this, `${host.name}-group`, {
      vpc: network.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
      launchTemplate: host.template,
      minCapacity,
      maxCapacity,
      groupMetrics: [autoscaling.GroupMetrics.all()],
      healthChecks:
        host.name === 'web'
          ? autoscaling.HealthChecks.withAdditionalChecks({
              additionalTypes: [autoscaling.AdditionalHealthCheckType.ELB],
              gracePeriod: Duration.minutes(elastic.web.firstMinutes),
            })
          : autoscaling.HealthChecks.ec2({ gracePeriod: Duration.minutes(5) }),
      defaultInstanceWarmup: Duration.minutes(5),
    });
    Tags.of(group).add(roleTag, host.name);
    excuse(group, 'AwsSolutions-AS3', 'The alarms of guard.ts say what is wrong; that machines come and go is how it should be.');
    return group;
  }

  /** scaleByQueue keeps the videos that wait for each worker at a number. Metrics of the queue come from the hosts. */
  private scaleByQueue(group: autoscaling.AutoScalingGroup): void {
    const groupName = group.autoScalingGroupName;
    new autoscaling.CfnScalingPolicy(this, 'QueuePerWorker', {
      autoScalingGroupName: groupName,
      policyType: 'TargetTrackingScaling',
      targetTrackingConfiguration: {
        targetValue: elastic.worker.jobsPerWorker,
        customizedMetricSpecification: {
          metrics: [
            {
              id: 'waiting',
              returnData: false,
              metricStat: {
                metric: { namespace, metricName: 'risingstars_jobs', dimensions: [{ name: 'state', value: 'available' }] },
                stat: 'Maximum',
              },
            },
            {
              id: 'workers',
              returnData: false,
              metricStat: {
                metric: {
                  namespace: 'AWS/AutoScaling',
                  metricName: 'GroupInServiceInstances',
                  dimensions: [{ name: 'AutoScalingGroupName', value: groupName }],
                },
                stat: 'Average',
              },
            },
            { id: 'each', expression: 'waiting / MAX([workers, TIME_SERIES(1)])', returnData: true },
          ],
        },
      },
    });
  }

  /** balance passes on to nginx, by TLS, and asks it how the program is. Pieces of an upload go to one machine. */
  private balance(
    network: Network,
    group: autoscaling.AutoScalingGroup,
  ): [elb.ApplicationLoadBalancer, elb.ApplicationTargetGroup] {
    const balancer = new elb.ApplicationLoadBalancer(this, 'Balancer', {
      vpc: network.vpc,
      internetFacing: true,
      securityGroup: network.group('balancer'),
      dropInvalidHeaderFields: true,
      idleTimeout: Duration.minutes(5), // a video is looked into for as long
    });
    const target = new elb.ApplicationTargetGroup(this, 'Web', {
      vpc: network.vpc,
      port: ports.https,
      protocol: elb.ApplicationProtocol.HTTPS,
      targetType: elb.TargetType.INSTANCE,
      targets: [group],
      healthCheck: { protocol: elb.Protocol.HTTPS, path: '/readyz', interval: Duration.seconds(10), healthyThresholdCount: 2 },
      deregistrationDelay: Duration.minutes(2),
      stickinessCookieDuration: Duration.days(1),
    });
    balancer.addListener('Site', {
      port: ports.https,
      protocol: elb.ApplicationProtocol.HTTPS,
      certificates: network.certificate ? [network.certificate] : [],
      sslPolicy: elb.SslPolicy.RECOMMENDED_TLS,
      defaultTargetGroups: [target],
      open: false, // lib/ports.ts says so, and nothing else
    });
    balancer.addListener('Plain', {
      port: ports.http,
      open: false,
      defaultAction: elb.ListenerAction.redirect({ protocol: 'HTTPS', port: String(ports.https), permanent: true }),
    });
    excuse(balancer, 'AwsSolutions-ELB2', 'nginx logs every request to CloudWatch, without the signatures of links, which this log would have.');
    return [balancer, target];
  }
}
