// Making elements. Everything that users wrote becomes text nodes, never markup.

const svgSpace = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || (value === false && !name.startsWith('aria-'))) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true && !name.startsWith('aria-') ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children);
}

// table is a table with a head for each column; rows are arrays of cells, the first of
// which names the row. A cell may be an element td already.
export function table(caption, heads, rows, attributes) {
  const cell = (c, i) => {
    if (c instanceof HTMLTableCellElement) return c;
    return i === 0 ? h('th', { scope: 'row' }, c) : h('td', {}, c);
  };
  return h('table', attributes,
    h('caption', {}, caption),
    h('thead', {}, h('tr', {}, heads.map((t) => h('th', { scope: 'col' }, t)))),
    h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map(cell)))));
}

// number is a cell with a number.
export function number(n, attributes) {
  return h('td', { class: 'number', ...attributes }, typeof n === 'number' ? n.toLocaleString('en') : n);
}

// part is a section that is drawn anew only when its data changed, so that what a reader
// has selected or focused there stays.
export function part(id, title, draw) {
  const body = h('div', { class: 'body' });
  const node = h('section', { id, 'aria-labelledby': `heading-${id}` }, h('h2', { id: `heading-${id}` }, title), body);
  let before;
  return {
    node,
    draw(data) {
      const now = JSON.stringify(data);
      if (now === before) return;
      before = now;
      replace(body, draw(data));
    },
  };
}

// replace puts other children into a node and gives the focus back to what stands for the
// element that had it.
export function replace(node, ...children) {
  const active = node.contains(document.activeElement) ? document.activeElement : null;
  const scrolled = [...node.querySelectorAll('.scroll')].map((e) => [e.scrollLeft, e.scrollTop]);
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  node.querySelectorAll('.scroll').forEach((e, i) => { if (scrolled[i]) [e.scrollLeft, e.scrollTop] = scrolled[i]; });
  if (!active) return;
  const name = active.getAttribute('href') || active.getAttribute('aria-label');
  const same = [...node.querySelectorAll('a, button, input, [tabindex]')].find((e) => name && (e.getAttribute('href') === name || e.getAttribute('aria-label') === name));
  if (same) same.focus({ preventScroll: true });
}

// scroll is a box that a wide table is moved in, with keys as well.
export function scroll(label, ...children) {
  return h('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, children);
}

// keyLink leads to the view of a key, where it can be asked for.
export function keyLink(key) {
  return key.link ? h('a', { class: 'key', href: `#key=${key.link}` }, key.shown) : h('span', { class: 'key' }, key.shown);
}
