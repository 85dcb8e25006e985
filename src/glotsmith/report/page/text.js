// Make elements from texts that others wrote. Nothing here parses HTML: texts become text nodes.

const SHOWN_CHARACTERS = 20000;
const HIGHLIGHTED_CHARACTERS = 200000;
// Control characters, and characters that are invisible or change the order of the text around them.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e007f}]/u;
const HIDDEN_ALL = new RegExp(HIDDEN.source, "gu");

function codePoint(character) {
  return "U+" + character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
}

// Return a text on one line, with marks for characters that cannot be seen.
function plain(text) {
  return String(text).replace(/[\n\t]+/g, " ").replace(HIDDEN_ALL, (c) => `⟦${codePoint(c)}⟧`);
}

function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(plain(child)));
  }
}

// Append a text to an element, with its lines; characters that cannot be seen get a mark.
function appendVisible(element, text) {
  let start = 0;
  HIDDEN_ALL.lastIndex = 0;
  for (let found; (found = HIDDEN_ALL.exec(text)); ) {
    if (found.index > start) element.append(text.slice(start, found.index));
    const mark = document.createElement("span");
    mark.className = "hidden-character";
    mark.textContent = codePoint(found[0]);
    mark.title = "a character that cannot be seen";
    element.append(mark);
    start = found.index + found[0].length;
  }
  if (start < text.length) element.append(text.slice(start));
}

// Return the pieces of a program as [kind, text]. Time is linear in the length of the text.
function pieces(text, syntax) {
  const found = [];
  const words = new Set(syntax.words);
  const word = /[\p{L}_][\p{L}\p{N}_?!']*/uy, number = /\d[\w.]*/y, longBracket = /\[(=*)\[/y;
  const quotes = [...syntax.strings].sort((a, b) => b.length - a.length);
  const lines = [...syntax.line].sort((a, b) => b.length - a.length);
  const lua = syntax.block.length && syntax.block[0].endsWith("[[");
  let code = "", i = 0;
  const push = (kind, end) => {
    if (code) found.push(["", code]);
    code = "";
    found.push([kind, text.slice(i, end)]);
    i = end;
  };
  const endOf = (mark, from) => {
    const end = text.indexOf(mark, from);
    return end < 0 ? text.length : end + mark.length;
  };
  while (i < text.length) {
    if (lua) {
      const comment = text.startsWith("--", i);
      longBracket.lastIndex = comment ? i + 2 : i;
      const bracket = text[longBracket.lastIndex] === "[" ? longBracket.exec(text) : null;
      if (bracket) { push(comment ? "comment" : "string", endOf(`]${bracket[1]}]`, longBracket.lastIndex)); continue; }
    } else if (syntax.block.length && text.startsWith(syntax.block[0], i)) {
      push("comment", endOf(syntax.block[1], i + syntax.block[0].length));
      continue;
    }
    if (lines.some((mark) => mark && text.startsWith(mark, i))) {
      const end = text.indexOf("\n", i);
      push("comment", end < 0 ? text.length : end);
      continue;
    }
    const quote = quotes.find((mark) => mark && text.startsWith(mark, i));
    if (quote) { push("string", endOfString(text, i, quote)); continue; }
    number.lastIndex = word.lastIndex = i;
    if (number.test(text)) { push("number", number.lastIndex); continue; }
    if (word.test(text)) {
      const end = word.lastIndex;
      if (words.has(text.slice(i, end))) push("word", end);
      else { code += text.slice(i, end); i = end; }
      continue;
    }
    code += text[i++];
  }
  if (code) found.push(["", code]);
  return found;
}

function endOfString(text, start, quote) {
  for (let i = start + quote.length; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text.startsWith(quote, i)) return i + quote.length;
    else if (text[i] === "\n" && quote.length === 1) return i;
  }
  return text.length;
}

// Return a box with a program or another text of any length.
function codeBox(text, language, label) {
  const box = el("pre", { class: "code", tabindex: "0", role: "region", "aria-label": label });
  const inner = el("code", { dir: "ltr" });
  box.append(inner);
  const syntax = app.highlighting[language];
  const fill = (shown) => {
    inner.replaceChildren();
    if (!syntax || shown.length > HIGHLIGHTED_CHARACTERS) return appendVisible(inner, shown);
    for (const [kind, piece] of pieces(shown, syntax)) {
      if (!kind) { appendVisible(inner, piece); continue; }
      const span = el("span", { class: `t-${kind}` });
      appendVisible(span, piece);
      inner.append(span);
    }
  };
  fill(text.slice(0, SHOWN_CHARACTERS));
  if (text.length <= SHOWN_CHARACTERS) return box;
  const more = el("button", { class: "quiet more", onclick: () => { fill(text); more.remove(); } },
    `Show all ${count(text.length)} characters`);
  return el("div", {}, box, more);
}

function count(number) {
  return Number(number).toLocaleString("en-US");
}

function percent(part, whole) {
  if (!whole) return "–";
  const share = (100 * part) / whole;
  if (share > 100) return `${count(Math.round(share))} %`;
  if (part === whole || part === 0) return `${share} %`;
  return share < 0.1 ? "< 0.1 %" : share > 99.9 ? "> 99.9 %" : `${share.toFixed(share < 10 ? 1 : 0)} %`;
}

function shortened(text, characters) {
  return text.length <= characters ? text : `${text.slice(0, characters)}…`;
}

function counted(number, noun, plural) {
  return `${count(number)} ${number === 1 ? noun : plural || noun + "s"}`;
}
