// Loads candidate.js beside it as a CommonJS module, calls the entry point once per argument list in calls.js, prints
// typed results. The file job holds the mark and the entry point's name. Everything is captured first, and methods are
// avoided: the candidate may patch any prototype. With a folder as its argument it does the same for TypeScript, where
// the candidate and its calls have been compiled as one module, driver.js in the current folder, or in a second argument.
'use strict';
const fs = require('fs');
const { compileFunction } = require('vm');
const { isSet } = require('util').types;
const { createRequire } = require('module');
const { apply, getPrototypeOf } = Reflect;
const { keys, is, prototype: plain } = Object;
const { isArray } = Array;
const { isSafeInteger } = Number;
const { stringify } = JSON;
const { from, byteLength } = Buffer;
const { forEach } = Set.prototype;
const { toString } = plain;
const { wait } = Atomics;
const { writeSync } = fs;
const { reallyExit } = process;
const global = globalThis, text = String;
const pause = new Int32Array(new SharedArrayBuffer(4));
const leave = (code) => apply(reallyExit, process, [code]);

// A stdout of its own: the program may close or divert descriptor 1.
const open = () => {
  try {
    return fs.openSync('/proc/self/fd/1', fs.constants.O_WRONLY | fs.constants.O_APPEND);
  } catch {
    return 1;
  }
};

const compiled = process.argv[2], folder = compiled ?? __dirname;
const read = (name) => fs.readFileSync(`${folder}/${name}`, 'utf8');
const job = read('job').split('\n');
const mark = job[0], entry = job[1], out = open();

// What the program prints is written before its next step, not queued in memory beyond a pipe's capacity.
for (const name of ['stdout', 'stderr']) {
  const { get } = Object.getOwnPropertyDescriptor(process, name);
  const blocking = () => {
    const stream = apply(get, process, []);
    stream._handle?.setBlocking?.(true);
    return stream;
  };
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: blocking });
}

function emit(event) {
  const line = '\n' + mark + ' ' + event + '\n', bytes = from(line), size = byteLength(line);
  for (let done = 0; done < size;) {
    try {
      done += writeSync(out, bytes, done, size - done);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error; // a pipe that another holder has made non-blocking
      wait(pause, 0, 0, 1);
    }
  }
}

function number(v) {
  if (isSafeInteger(v) && !is(v, -0)) return '' + v;
  return '{"f":"' + (v !== v ? 'nan' : v === 1 / 0 ? 'inf' : v === -1 / 0 ? '-inf' : is(v, -0) ? '-0.0' : v) + '"}';
}

function object(v, depth) {
  let items = '', separator = '';
  const add = (item) => {
    items += separator + item;
    separator = ',';
  };
  if (isArray(v)) {
    for (let i = 0; i < v.length; i++) add(encode(v[i], depth));
    return '[' + items + ']';
  }
  if (isSet(v)) {
    apply(forEach, v, [(item) => add(encode(item, depth))]);
    return '{"s":[' + items + ']}';
  }
  const parent = getPrototypeOf(v);
  if (parent !== plain && parent !== null) return '{"x":' + stringify(apply(toString, v, [])) + '}';
  const names = keys(v);
  for (let i = 0; i < names.length; i++) add('[' + stringify(names[i]) + ',' + encode(v[names[i]], depth) + ']');
  return '{"m":[' + items + ']}';
}

function encode(v, depth) {
  if (depth > 100) return '{"x":"too deep"}';
  if (v === undefined || v === null) return 'null';
  switch (typeof v) {
    case 'boolean': return v ? 'true' : 'false';
    case 'number': return number(v);
    case 'string': return stringify(v);
    case 'object': return object(v, depth + 1);
    default: return '{"x":"' + typeof v + '"}';
  }
}

function message(error) {
  try {
    return stringify(text(error));
  } catch {
    return '"an error that has no text"';
  }
}

// What the entry point is must be asked inside the module, where it may be a constant. A program that only has a
// built-in function of that name does not define it. The program is compiled alone first, for its own syntax errors.
const parameters = ['exports', 'require', 'module', '__filename', '__dirname'], options = { filename: 'candidate.js' };
const file = `${folder}/candidate.js`, module_ = { exports: {} }, known = global[entry];
const scope = [module_.exports, createRequire(file), module_, file, folder];
const source = compiled ? fs.readFileSync(`${process.argv[3] ?? '.'}/driver.js`, 'utf8') : read('candidate.js').replace(/^#!/, '//');
const calls = compiled ? undefined : compileFunction(read('calls.js'))();
if (!compiled) compileFunction(source, parameters, options);
const last = compiled ? 'glotsmith_cases' : `typeof ${entry} === "undefined" ? undefined : ${entry}`;
const load = compileFunction(`${source}\n;return ${last}`, parameters, options);
emit('start');

let f;
try {
  f = apply(load, module_.exports, scope);
  if (f === known) f = module_.exports[entry];
} catch (error) {
  emit('raised load ' + message(error));
  leave(1);
}
if (f === undefined) {
  emit('absent');
  leave(1);
}
emit('loaded');
for (let i = 0, count = (calls ?? f).length; i < count; i++) {
  let event;
  try {
    event = 'value ' + i + ' ' + encode(calls ? apply(f, undefined, calls[i]) : apply(f[i], undefined, []), 0);
  } catch (error) {
    event = 'raised ' + i + ' ' + message(error);
  }
  emit(event);
}
emit('end');
leave(0);
