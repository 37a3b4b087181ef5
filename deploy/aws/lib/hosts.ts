import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secrets from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { excuse, excuseOnly } from './excuses';
import { host, keep } from './figures';
import { Network } from './network';

export type Role = 'web' | 'worker' | 'files';

/** The tag that says which role a machine has; releases go to machines by it. */
export const roleTag = 'risingstars-role';

/** Where a host of a role finds what it is to run (release.ts). */
export const parameterName = (role: Role): string => `/risingstars/${role}`;

/** The namespace of what the hosts measure. */
export const namespace = 'risingstars';

/** Everything a host logs, and where to. */
export const logGroupName = (role: Role, log: 'system' | 'requests' | 'metrics'): string => `/risingstars/${role}/${log}`;

/** What a machine of a role is, however many there are of it. */
export class Host extends Construct {
  readonly role: iam.Role;
  readonly template: ec2.LaunchTemplate;
  readonly requests: logs.LogGroup;

  constructor(
    scope: Construct,
    readonly name: Role,
    network: Network,
    needs: { releases: s3.IBucket; secrets: secrets.ISecret[] },
  ) {
    super(scope, name);
    this.role = this.makeRole(needs.releases, needs.secrets);
    this.template = new ec2.LaunchTemplate(this, 'Template', {
      instanceType: new ec2.InstanceType(host.type),
      machineImage: ec2.MachineImage.resolveSsmParameterAtLaunch(host.image),
      userData: ec2.UserData.custom(userData(name)),
      role: this.role,
      securityGroup: network.group(name),
      requireImdsv2: true,
      httpPutResponseHopLimit: 1,
      detailedMonitoring: true,
      cpuCredits: ec2.CpuCredits.UNLIMITED, // or a busy hour would be slow; what it costs is in docs/aws.md
      blockDevices: [
        {
          deviceName: host.rootDevice,
          volume: ec2.BlockDeviceVolume.ebs(host.diskGiB, {
            volumeType: ec2.EbsDeviceVolumeType.GP3,
            encrypted: true,
            deleteOnTermination: true,
          }),
        },
      ],
    });
    this.requests = this.log('requests');
    this.log('system');
    this.log('metrics');
  }

  /** single is the one machine of a role, at its address in the first subnet. */
  single(network: Network, privateIpAddress: string): ec2.CfnInstance {
    return new ec2.CfnInstance(this, 'Instance', {
      // The template's first version: a change of it must not replace a machine, with what is on its disk.
      launchTemplate: { launchTemplateId: this.template.launchTemplateId, version: this.template.defaultVersionNumber },
      subnetId: network.first.subnetId,
      privateIpAddress,
      monitoring: true,
      disableApiTermination: true,
      tags: [
        { key: roleTag, value: this.name },
        { key: 'Name', value: `risingstars-${this.name}` },
      ],
    });
  }

  private log(kind: 'system' | 'requests' | 'metrics'): logs.LogGroup {
    return new logs.LogGroup(this, `${kind}-log`, {
      logGroupName: logGroupName(this.name, kind),
      retention: keep.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  /** makeRole may read its release and its secrets, be reached by Systems Manager, and write logs and metrics. */
  private makeRole(releases: s3.IBucket, readable: secrets.ISecret[]): iam.Role {
    const stack = Stack.of(this);
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore')],
    });
    const allow = (actions: string[], resources: string[], conditions?: Record<string, unknown>): void => {
      role.addToPolicy(new iam.PolicyStatement({ actions, resources, conditions }));
    };
    allow(['s3:GetObject'], [releases.arnForObjects('*')]);
    allow(['ssm:GetParameter'], [stack.formatArn({ service: 'ssm', resource: `parameter${parameterName(this.name)}` })]);
    allow(
      ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
      [`arn:${stack.partition}:logs:${stack.region}:${stack.account}:log-group:/risingstars/${this.name}/*`],
    );
    allow(['ec2:DescribeTags'], ['*']); // the agent asks which group it belongs to
    allow(['cloudwatch:PutMetricData'], ['*'], { StringEquals: { 'cloudwatch:namespace': namespace } });
    if (readable.length > 0) allow(['secretsmanager:GetSecretValue'], readable.map((secret) => secret.secretArn));
    excuseOnly(role, 'AwsSolutions-IAM4', 'What the agent of Systems Manager needs is AWS\'s to know.', [
      'Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore',
    ]);
    excuse(role, 'AwsSolutions-IAM5', 'All releases, all logs of the role; metrics and tags have no resources of their own.');
    return role;
  }
}

/** Where deploy/aws is, seen from build/lib. */
export const here = join(__dirname, '..', '..');

/** userData puts the script that fetches and runs releases onto the machine, and runs it. It never changes with a release. */
export function userData(role: Role): string {
  const script = readFileSync(join(here, 'host', 'join'), 'utf8');
  return [
    '#!/bin/bash',
    `install -d -m 755 /etc/risingstars && echo ${role} >/etc/risingstars/role`,
    "cat >/usr/local/sbin/risingstars-join <<'END OF JOIN'",
    script.trimEnd(),
    'END OF JOIN',
    'chmod 755 /usr/local/sbin/risingstars-join',
    'exec /usr/local/sbin/risingstars-join',
    '',
  ].join('\n');
}
