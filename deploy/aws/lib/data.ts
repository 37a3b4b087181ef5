import { CfnOutput, Duration, RemovalPolicy, Stack, StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secrets from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { privateBucket } from './buckets';
import { excuse } from './excuses';
import { cache, database, keep, ports } from './figures';
import { Network } from './network';
import { Settings } from './settings';

/** What must outlive machines: the database, the secrets, the releases, and Redis where it has no host of ours. */
export class Data extends Stack {
  readonly database: rds.DatabaseInstance;
  readonly databaseSecret: secrets.ISecret;
  readonly tokenKey: secrets.Secret;
  readonly redisPassword: secrets.Secret;
  readonly organizerPassword: secrets.Secret;
  readonly releases: s3.Bucket;
  /** Where Redis is, and how it is spoken to, in the elastic topology. */
  readonly redisAddress?: string;

  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings; network: Network }) {
    super(scope, id, props);
    this.tokenKey = this.secret('TokenKey', 'Signs tokens and links', 64);
    this.redisPassword = this.secret('RedisPassword', "Redis's password", 48);
    this.organizerPassword = this.secret('OrganizerPassword', "Opens the organizers' pages", 24);
    this.releases = privateBucket(this, 'Releases');
    new CfnOutput(this, 'ReleasesBucket', { value: this.releases.bucketName });
    this.database = this.postgres(props.network, props.settings.topology === 'elastic');
    if (!this.database.secret) throw new Error('the database has no secret');
    this.databaseSecret = this.database.secret;
    for (const holder of [this.tokenKey, this.redisPassword, this.organizerPassword, this.database]) {
      excuse(holder, 'AwsSolutions-SMG4', 'The program reads secrets at its start, so a new one goes with a restart: "deploy/aws/aws rotate" does both.');
    }
    const named = {
      DatabaseSecret: this.databaseSecret,
      RedisSecret: this.redisPassword,
      TokenSecret: this.tokenKey,
      OrganizerSecret: this.organizerPassword,
    };
    for (const [name, secret] of Object.entries(named)) new CfnOutput(this, name, { value: secret.secretArn });
    if (props.settings.topology === 'elastic') this.redisAddress = this.redis(props.network);
  }

  private secret(id: string, description: string, passwordLength: number): secrets.Secret {
    return new secrets.Secret(this, id, {
      description,
      generateSecretString: { passwordLength, excludePunctuation: true },
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  private postgres(network: Network, multiAz: boolean): rds.DatabaseInstance {
    const engine = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.of(database.version, database.version) });
    const log = new logs.LogGroup(this, 'DatabaseLog', {
      logGroupName: '/aws/rds/instance/risingstars/postgresql', // what RDS would make itself, and keep for ever
      retention: keep.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const instance = new rds.DatabaseInstance(this, 'Database', {
      engine,
      instanceIdentifier: 'risingstars',
      databaseName: database.name,
      credentials: rds.Credentials.fromGeneratedSecret(database.user),
      instanceType: new ec2.InstanceType(database.class),
      allocatedStorage: database.diskGiB,
      storageType: rds.StorageType.GP3,
      storageEncrypted: true,
      multiAz,
      vpc: network.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      securityGroups: [network.group('database')],
      port: ports.postgres,
      publiclyAccessible: false,
      parameterGroup: new rds.ParameterGroup(this, 'DatabaseParameters', { engine, parameters: { 'rds.force_ssl': '1' } }),
      backupRetention: Duration.days(database.backupDays),
      copyTagsToSnapshot: true,
      autoMinorVersionUpgrade: true,
      cloudwatchLogsExports: ['postgresql'],
      deletionProtection: true,
      deleteAutomatedBackups: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    instance.node.addDependency(log);
    excuse(instance, 'AwsSolutions-RDS11', 'Port 5432 is what operators expect; only web and worker can reach it.');
    if (!multiAz) excuse(instance, 'AwsSolutions-RDS3', 'The small topology has one of everything; the elastic one has a standby.');
    return instance;
  }

  /** redis keeps nothing that matters, but events and limits are missed while it is away: so there are two of it. */
  private redis(network: Network): string {
    const subnets = new elasticache.CfnSubnetGroup(this, 'CacheSubnets', {
      description: 'Redis',
      subnetIds: network.vpc.isolatedSubnets.map((subnet) => subnet.subnetId),
    });
    const group = new elasticache.CfnReplicationGroup(this, 'Cache', {
      replicationGroupDescription: 'Redis: events, cache, limits',
      engine: 'redis',
      engineVersion: cache.version,
      cacheNodeType: cache.class,
      numCacheClusters: cache.nodes,
      automaticFailoverEnabled: true,
      multiAzEnabled: true,
      atRestEncryptionEnabled: true,
      transitEncryptionEnabled: true,
      authToken: this.redisPassword.secretValue.unsafeUnwrap(), // a reference, which CloudFormation follows
      cacheSubnetGroupName: subnets.ref,
      securityGroupIds: [network.group('cache').securityGroupId],
      port: ports.redis,
    });
    new CfnOutput(this, 'CacheGroup', { value: group.ref });
    excuse(group, 'AwsSolutions-AEC5', 'Port 6379 is what operators expect; only web and worker can reach it.');
    return group.attrPrimaryEndPointAddress;
  }
}

