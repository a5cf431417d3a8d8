// Elements, and texts as elements: nothing here ever makes markup of a text.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false || value === null) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== 'string') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ''));
  return element;
}

const INLINE = /\*\*(.+?)\*\*|`([^`]+)`/g;

function inline(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    parts.push(text.slice(end, found.index));
    parts.push(found[1] ? h('strong', {}, found[1]) : h('code', {}, found[2]));
    end = found.index + found[0].length;
  }
  return [...parts, text.slice(end)];
}

// The few forms that the texts of the document have: paragraphs, lists, **strong**, `code`.
export function prose(text) {
  return text.split('\n\n').filter(Boolean).map((block) => {
    const lines = block.split('\n');
    return lines.every((line) => line.startsWith('- '))
      ? h('ul', {}, lines.map((line) => h('li', {}, inline(line.slice(2)))))
      : h('p', {}, inline(block));
  });
}

export const phrase = (text) => h('span', {}, inline(text));

export function copyButton(textOf, label = 'Copy') {
  const button = h('button', {type: 'button', class: 'small', onclick: async () => {
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(textOf());
    } catch {
      said = 'Not allowed';  // a page without TLS on another machine has no clipboard
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = label; }, 1500);
  }}, label);
  return button;
}

const JSON_TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

// JSON in colours.
export function coloured(text) {
  const code = h('code');
  let end = 0;
  for (const found of text.matchAll(JSON_TOKEN)) {
    code.append(text.slice(end, found.index));
    const kind = found[2] ? 'key' : found[1] ? 'text' : found[3] ? 'word' : 'number';
    code.append(h('span', {class: `json-${kind}`}, found[1] ?? found[0]), found[2] ?? '');
    end = found.index + found[0].length;
  }
  code.append(text.slice(end));
  return h('pre', {class: 'json', tabindex: '0'}, code);
}
