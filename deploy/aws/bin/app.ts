// What the CDK's command runs: npx cdk synth, cdk deploy, …
import { App } from 'aws-cdk-lib';
import { build } from '../lib/app';

build(new App()).synth();
