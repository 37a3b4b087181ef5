// Writes what docs/aws.md has from the code: node build/bin/docs.js
import { readFileSync, writeFileSync } from 'node:fs';
import { docsFile, fill } from '../lib/docs';

writeFileSync(docsFile, fill(readFileSync(docsFile, 'utf8')));
