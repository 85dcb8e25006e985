// Fills the current folder with what TypeScript programs need: node prepare.js TSC. A snapshot is made of one file that
// requires nothing, so the compiler, server.js and node.d.ts are joined.
'use strict';
const { execFileSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const folder = path.join(fs.realpathSync(process.argv[2]), '..', '..', 'lib');
const compiler = fs.readFileSync(`${folder}/typescript.js`, 'utf8');
const own = (name) => fs.readFileSync(path.join(__dirname, name), 'utf8');

fs.writeFileSync('run.js', own('run.js'));
fs.writeFileSync(
  'compiler.js',
  `globalThis.glotsmith = {
    folder: ${JSON.stringify(folder)},
    types: ${JSON.stringify(own('node.d.ts'))},
    script: (exports, require, module, __filename, __dirname) => {${compiler}\n},
  };\n${own('server.js')}`,
);
execFileSync(process.execPath, ['--snapshot-blob', 'compiler.blob', '--build-snapshot', 'compiler.js']);
fs.unlinkSync('compiler.js');
