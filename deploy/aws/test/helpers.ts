import { Resource, synth, Synthesized, Template } from '../lib/synth';

/** Both topologies, each synthesized once. */
export const classic: Synthesized = synth({ topology: 'classic' });
export const elastic: Synthesized = synth({ topology: 'elastic' });
export const both = { classic, elastic };

/** of are the resources of a type in a template, by their ids. */
export function of(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

/** everywhere are the resources of a type in all templates. */
export function everywhere(made: Synthesized, type: string): Resource[] {
  return Object.values(made.templates).flatMap((template) => of(template, type).map(([, resource]) => resource));
}

/** only is the one resource of a type. */
export function only(template: Template, type: string): Resource {
  const found = of(template, type);
  if (found.length !== 1) throw new Error(`${found.length} of ${type}`);
  return found[0][1];
}

/** written is a value of a template as text, with ${…} for what CloudFormation fills in. */
export function written(value: any): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (value['Fn::Join']) return value['Fn::Join'][1].map(written).join(value['Fn::Join'][0]);
  if (value['Fn::Base64']) return written(value['Fn::Base64']);
  return `\${${JSON.stringify(value)}}`;
}
