// Compiles TypeScript, once or again and again, with the compiler and its lib.*.d.ts files in memory. What it compiles
// is never run, and sees no file but those of its request.
//
//   node server.js TSC FOLDER   compiles FOLDER into the current folder; prints diagnostics; exit code 2 where it cannot
//   node server.js TSC          answers requests on stdin until it ends
//
// or, five times as fast, from the snapshot that prepare.js makes: node --snapshot-blob compiler.blob [FOLDER].
//
// A request is a count of files, and their names and contents. It is compiled from driver.ts, or main.ts where there is
// none. An answer is a byte (0 compiled, 1 in error), the diagnostics, and the files written, as in a request. Numbers
// have 32 bits, big-endian; the length in bytes stands before each name, content and text.
'use strict';
const fs = require('fs');
const path = require('path');
const { startupSnapshot } = require('v8');

const ROOT = '/program';
const SOURCES = ['driver.ts', 'main.ts'];
const SAMPLE = 'console.log(new Map<string, number[]>([["a", [1]]]).size);';
const LONGEST = 1 << 16; // bytes of diagnostics
const PROGRAMS = 1000; // per compiler: it numbers all nodes and types it ever sees, and keeps tables by number

// A snapshot holds these three; elsewhere they are read.
const parts = globalThis.glotsmith ?? plain(process.argv[2]);

function plain(tsc) {
  const { Script } = require('vm');
  const folder = path.join(fs.realpathSync(tsc), '..', '..', 'lib'), text = fs.readFileSync(`${folder}/typescript.js`);
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${text}\n})`);
  const types = fs.readFileSync(path.join(__dirname, 'node.d.ts'), 'utf8');
  return { folder, types, script: script.runInThisContext() };
}

class Compiler {
  constructor() {
    const module = { exports: {} };
    parts.script(module.exports, require, module, `${parts.folder}/typescript.js`, parts.folder);
    this.ts = module.exports;
    this.options = {
      target: this.ts.ScriptTarget.ES2022,
      module: this.ts.ModuleKind.CommonJS,
      moduleDetection: this.ts.ModuleDetectionKind.Force, // a program's names are its own: it may define a Map
      lib: ['lib.es2022.d.ts'],
      types: [],
      esModuleInterop: true,
      skipLibCheck: true,
      newLine: this.ts.NewLineKind.LineFeed,
      rootDir: ROOT,
      outDir: '/out',
    };
    this.lasting = new Map(); // what all programs share: the library's files, parsed
    this.compiled = 0;
  }

  /** Return whether files (a map of names and texts) compile, with the diagnostics and what is to be written. */
  compile(files) {
    this.compiled++;
    const { ts, options } = this, written = new Map();
    const source = SOURCES.find((name) => files.has(name));
    if (!source) return { ok: false, text: `error TS0: there is no ${SOURCES.join(' or ')}\n`, written };
    const host = this.host(files);
    const program = ts.createProgram([`${ROOT}/${source}`, `${parts.folder}/node.d.ts`], options, host);
    const found = ts.sortAndDeduplicateDiagnostics(ts.getPreEmitDiagnostics(program));
    const text = ts.formatDiagnostics(found, host);
    const ok = !found.some((d) => d.category === ts.DiagnosticCategory.Error);
    if (ok) program.emit(undefined, (name, content) => written.set(path.relative('/out', name), content));
    return { ok, text, written };
  }

  host(files) {
    const inside = (name) => (name.startsWith(`${ROOT}/`) ? files.get(name.slice(ROOT.length + 1)) : undefined);
    return {
      getSourceFile: (name, how) => {
        const text = inside(name);
        return text === undefined ? this.shared(name, how) : this.ts.createSourceFile(name, text, how);
      },
      fileExists: (name) => inside(name) !== undefined,
      readFile: inside,
      directoryExists: (name) => name === ROOT,
      getDirectories: () => [],
      getDefaultLibLocation: () => parts.folder,
      getDefaultLibFileName: (o) => `${parts.folder}/${this.ts.getDefaultLibFileName(o)}`,
      getCurrentDirectory: () => ROOT,
      getCanonicalFileName: (name) => name,
      useCaseSensitiveFileNames: () => true,
      getNewLine: () => '\n',
      writeFile: () => {},
    };
  }

  /** Return a file of the compiler's library, or node.d.ts beside this program; nothing else is ever read. */
  shared(name, how) {
    const base = path.basename(name);
    if (path.dirname(name) !== parts.folder || !/^(lib(\.\w+)*|node)\.d\.ts$/.test(base)) return undefined;
    if (!this.lasting.has(name)) {
      const own = base === 'node.d.ts', there = own || fs.existsSync(name);
      const text = own ? parts.types : there ? fs.readFileSync(name, 'utf8') : '';
      this.lasting.set(name, there ? this.ts.createSourceFile(name, text, how) : undefined);
    }
    return this.lasting.get(name);
  }
}

let compiler;

/** Compile with a compiler that no program has left in a broken state, nor full of numbers. */
function compile(files) {
  if (!compiler || compiler.compiled >= PROGRAMS) compiler = new Compiler();
  try {
    return compiler.compile(files);
  } catch (error) {
    compiler = undefined;
    return { ok: false, text: `error TS0: the compiler failed: ${error?.message}\n`, written: new Map() };
  }
}

function once(folder) {
  const names = fs.readdirSync(folder).filter((name) => fs.statSync(path.join(folder, name)).isFile());
  const answer = compile(new Map(names.map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')])));
  fs.writeSync(2, shortened(answer.text));
  for (const [name, text] of answer.written) {
    fs.mkdirSync(path.dirname(name), { recursive: true });
    fs.writeFileSync(name, text);
  }
  process.reallyExit(answer.ok ? 0 : 2);
}

const shortened = (text) => Buffer.from(text).subarray(0, LONGEST);

function read(size) {
  const bytes = Buffer.alloc(size);
  for (let done = 0; done < size; ) {
    const n = fs.readSync(0, bytes, done, size - done, null);
    if (n === 0) process.reallyExit(0);
    done += n;
  }
  return bytes;
}

const number = (n) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
};

const block = (data) => {
  const bytes = Buffer.from(data);
  return Buffer.concat([number(bytes.length), bytes]);
};

function write(bytes) {
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(1, bytes, done);
}

function serve() {
  for (;;) {
    const files = new Map();
    for (let count = read(4).readUInt32BE(); count > 0; count--) {
      const name = read(read(4).readUInt32BE()).toString();
      files.set(name, read(read(4).readUInt32BE()).toString());
    }
    const { ok, text, written } = compile(files);
    const parts = [...written].flatMap(([name, content]) => [block(name), block(content)]);
    write(Buffer.concat([Buffer.of(ok ? 0 : 1), block(shortened(text)), number(written.size), ...parts]));
  }
}

/** Have the library's files parsed before the first program. */
const warm = () => compile(new Map([['main.ts', SAMPLE]]));

function main() {
  const folder = process.argv[globalThis.glotsmith ? 1 : 3];
  if (folder !== undefined) once(folder);
  warm();
  serve();
}

if (startupSnapshot?.isBuildingSnapshot()) {
  if (!warm().ok) throw new Error('the compiler does not compile');
  startupSnapshot.setDeserializeMainFunction(main);
} else main();
