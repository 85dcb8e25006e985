"use strict";
// Read the compressed blocks of the page. The details of a row are decompressed when it is shown.

const BLOCKS_IN_MEMORY = 24;

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function readBlock(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The file is cut off: it has no block ${id}. Write the report again.`);
  const stream = new Blob([bytesOf(element.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// Details follow the script in the file, so a block may not be there yet.
function whenParsed() {
  if (document.readyState !== "loading") return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve, { once: true }));
}

const TEXT_COLUMNS = ["key", "name", "problem", "because"];
const CODED_COLUMNS = ["step", "status", "reason", "language", "verdict", "source", "licence", "kind", "stop"];
const NUMBER_COLUMNS = ["sample", "tests", "lines", "branches", "mutants", "passed", "characters", "block", "place"];

class Run {
  constructor(number, summary) {
    this.number = number;
    this.summary = summary;
    this.type = summary.type; // run, evaluation or training
    this.rows = summary.index.rows;
    this.texts = summary.index.texts;
    this.cached = new Map();
    for (const name of TEXT_COLUMNS) this[name] = [];
    for (const name of [...CODED_COLUMNS, ...NUMBER_COLUMNS]) this[name] = new Int32Array(this.rows);
  }

  async load() {
    const parts = [];
    for (let i = 0; i < this.summary.index.blocks; i++) parts.push(readBlock(`r${this.number}i${i}`));
    let start = 0;
    for (const part of await Promise.all(parts)) {
      for (const name of TEXT_COLUMNS) for (const value of part[name]) this[name].push(value);
      for (const name of [...CODED_COLUMNS, ...NUMBER_COLUMNS]) this[name].set(part[name], start);
      start += part.key.length;
    }
  }

  text(column, row) {
    return this.texts[column][this[column][row]];
  }

  // What the search reads of each row, in lower case; made at the first search.
  get haystack() {
    if (!this._haystack) {
      const sources = this.texts.source.map((text) => text.toLowerCase());
      this._haystack = this.name.map((name, i) =>
        `${name}\n${this.because[i]}\n${this.key[i]}\n${this.problem[i]}`.toLowerCase() + "\n" + sources[this.source[i]]);
    }
    return this._haystack;
  }

  get byProblem() {
    if (!this._byProblem) {
      this._byProblem = new Map();
      this.problem.forEach((problem, i) => {
        const rows = this._byProblem.get(problem);
        if (rows) rows.push(i); else this._byProblem.set(problem, [i]);
      });
    }
    return this._byProblem;
  }

  find(step, key) {
    const code = this.texts.step.indexOf(step);
    for (let i = 0; i < this.rows; i++) if (this.key[i] === key && (code < 0 || this.step[i] === code)) return i;
    return -1;
  }

  async detail(row) {
    const id = this.block[row];
    let block = this.cached.get(id);
    if (!block) {
      block = whenParsed().then(() => readBlock(`r${this.number}b${id}`));
      this.cached.set(id, block);
      if (this.cached.size > BLOCKS_IN_MEMORY) this.cached.delete(this.cached.keys().next().value);
    }
    return (await block)[this.place[row]];
  }
}
