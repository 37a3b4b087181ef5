// Writes all templates and tables of ports to a folder: node build/bin/synth.js FOLDER
import { write } from '../lib/synth';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: synth FOLDER');
const findings = write(folder);
for (const finding of findings) console.error(finding);
process.exitCode = findings.length > 0 ? 1 : 0;
