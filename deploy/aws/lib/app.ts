import { App, Aspects, BootstraplessSynthesizer, Tags } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { Compute } from './compute';
import { Costs } from './costs';
import { Data } from './data';
import { Files } from './files';
import { Guard } from './guard';
import { Network } from './network';
import { Release } from './release';
import { readSettings } from './settings';

/**
 * build makes all stacks: small ones, by what changes together. They have no assets and are short, so that nothing has to be
 * set up before them, and nothing is left behind. Neither an account nor a network is asked for anything.
 */
export function build(app: App): App {
  const settings = readSettings(app.node);
  const stack = (name: string, region?: string) => ({
    settings,
    stackName: `risingstars-${name}`,
    synthesizer: new BootstraplessSynthesizer(),
    ...(region ? { env: { region } } : {}),
  });
  const network = new Network(app, 'network', stack('network'));
  const data = new Data(app, 'data', { ...stack('data'), network });
  const files = new Files(app, 'files', { ...stack('files'), network, data });
  const compute = new Compute(app, 'compute', { ...stack('compute'), network, data, files });
  const release = new Release(app, 'release', { ...stack('release'), data, files });
  release.addDependency(compute);
  new Guard(app, 'guard', { ...stack('guard'), data, files, compute });
  new Costs(app, 'costs', stack('costs', 'us-east-1'));
  Tags.of(app).add('project', 'risingstars');
  Aspects.of(app).add(new AwsSolutionsChecks({ reports: false, verbose: true }));
  return app;
}
