import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { excuse } from './excuses';

/** privateBucket is one that nobody outside reads, by TLS only. "deploy/aws/aws down" empties it before it goes. */
export function privateBucket(scope: Construct, id: string): s3.Bucket {
  const bucket = new s3.Bucket(scope, id, {
    encryption: s3.BucketEncryption.S3_MANAGED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    removalPolicy: RemovalPolicy.DESTROY,
  });
  excuse(bucket, 'AwsSolutions-S1', 'Only hosts read it; nginx and the program log every request that leads here.');
  return bucket;
}
