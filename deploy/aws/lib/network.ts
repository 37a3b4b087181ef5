import { CfnOutput, Stack, StackProps, RemovalPolicy } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { excuse } from './excuses';
import { keep, network } from './figures';
import { isMember, Member, members, Party, portTable, Rule } from './ports';
import { Settings } from './settings';

/** The network, and who may connect to whom in it. No machine has a gateway of its own to pay for. */
export class Network extends Stack {
  readonly vpc: ec2.Vpc;
  /** The balancer's. It waits for a record in the DNS, for hours perhaps, so it comes before all machines. */
  readonly certificate?: acm.Certificate;
  private readonly groups: Partial<Record<Member, ec2.SecurityGroup>> = {};

  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings }) {
    super(scope, id, props);
    new CfnOutput(this, 'Topology', { value: props.settings.topology });
    if (props.settings.topology === 'elastic') {
      this.certificate = new acm.Certificate(this, 'Certificate', {
        domainName: props.settings.domain,
        validation: acm.CertificateValidation.fromDns(),
      });
    }
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(network.cidr),
      maxAzs: network.zones,
      natGateways: 0,
      subnetConfiguration: [
        { name: 'hosts', subnetType: ec2.SubnetType.PUBLIC, cidrMask: network.subnetBits },
        { name: 'data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: network.subnetBits },
      ],
      gatewayEndpoints: { S3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
    });
    this.vpc.addFlowLog('Refused', {
      trafficType: ec2.FlowLogTrafficType.REJECT,
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        new logs.LogGroup(this, 'RefusedLog', { retention: keep.logDays, removalPolicy: RemovalPolicy.DESTROY }),
      ),
    });
    for (const member of members(props.settings.topology)) {
      this.groups[member] = new ec2.SecurityGroup(this, `${member}-group`, {
        vpc: this.vpc,
        description: member,
        allowAllOutbound: false,
      });
    }
    for (const rule of portTable(props.settings.topology)) this.allow(rule, props.settings.adminCidr);
    for (const member of ['web', 'balancer'] as const) {
      const group = this.groups[member];
      if (group) excuse(group, 'AwsSolutions-EC23', 'The site is for everybody; the rules are those of lib/ports.ts, which a test compares.');
    }
  }

  /** group is the security group of a party of this topology. */
  group(member: Member): ec2.SecurityGroup {
    const group = this.groups[member];
    if (!group) throw new Error(`there is no ${member} in this topology`);
    return group;
  }

  /** first is the subnet whose addresses are fixed. */
  get first(): ec2.ISubnet {
    return this.vpc.publicSubnets[0];
  }

  private allow(rule: Rule, adminCidr: string): void {
    const peer = (party: Party): ec2.IPeer => {
      if (isMember(party)) return this.group(party);
      return party === 'admin' ? ec2.Peer.ipv4(adminCidr) : ec2.Peer.anyIpv4();
    };
    const port = ec2.Port.tcp(rule.port);
    if (isMember(rule.to)) this.group(rule.to).addIngressRule(peer(rule.from), port, rule.why);
    if (isMember(rule.from)) this.group(rule.from).addEgressRule(peer(rule.to), port, rule.why);
  }
}
