import { CfnOutput, Stack, StackProps } from 'aws-cdk-lib';
import * as dlm from 'aws-cdk-lib/aws-dlm';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { privateBucket } from './buckets';
import { Data } from './data';
import { excuseOnly } from './excuses';
import { keep, network as figures } from './figures';
import { Host, roleTag } from './hosts';
import { Network } from './network';
import { Settings } from './settings';

/** Where the media are: a file server of ours, or a bucket. */
export class Files extends Stack {
  readonly server?: ec2.CfnInstance;
  readonly bucket?: s3.Bucket;

  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings; network: Network; data: Data }) {
    super(scope, id, props);
    if (props.settings.topology === 'elastic') {
      this.bucket = privateBucket(this, 'Media');
      new CfnOutput(this, 'MediaBucket', { value: this.bucket.bucketName });
      return;
    }
    this.server = new Host(this, 'files', props.network, { releases: props.data.releases, secrets: [] }).single(
      props.network,
      figures.addresses.files,
    );
    this.snapshots();
  }

  /** snapshots copies the file server's disk every night, and keeps some. */
  private snapshots(): void {
    const role = new iam.Role(this, 'SnapshotsRole', {
      assumedBy: new iam.ServicePrincipal('dlm.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSDataLifecycleManagerServiceRole')],
    });
    excuseOnly(role, 'AwsSolutions-IAM4', 'What the service needs is AWS\'s to know.', [
      'Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole',
    ]);
    new dlm.CfnLifecyclePolicy(this, 'Snapshots', {
      description: 'The media, every night',
      state: 'ENABLED',
      executionRoleArn: role.roleArn,
      policyDetails: {
        resourceTypes: ['INSTANCE'],
        targetTags: [{ key: roleTag, value: 'files' }],
        schedules: [
          {
            name: 'nightly',
            createRule: { interval: 24, intervalUnit: 'HOURS', times: ['08:00'] },
            retainRule: { count: keep.mediaSnapshots },
            copyTags: true,
            tagsToAdd: [{ key: 'project', value: 'risingstars' }], // "down" finds them by it
          },
        ],
      },
    });
  }
}
