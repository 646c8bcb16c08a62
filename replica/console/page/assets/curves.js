// Small curves of the last minutes. They are kept in the page alone.

import { h, s } from './dom.js';
import { duration, rate } from './format.js';

const kept = 180; // samples of each, one a poll

const curve = (id, title, words) => ({ id, title, words, values: [], said: h('b', {}, '–'), path: s('path', {}) });
const all = [
  curve('writes', 'writes accepted here, a second', rate),
  curve('ops', 'ops from everywhere, a second', rate),
  curve('losses', 'losses for clients, a second', rate),
  curve('lag', 'age of what a member lacks', duration),
];

export const curves = h('section', { id: 'curves', 'aria-labelledby': 'heading-curves' }, h('h2', { id: 'heading-curves' }, 'The last three minutes'),
  h('div', { class: 'curves' }, all.map((c) => h('figure', { class: `curve ${c.id}` }, h('figcaption', {}, c.said, c.title),
    s('svg', { viewBox: `0 0 ${kept - 1} 46`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, s('line', { x1: 0, x2: kept, y1: 45, y2: 45 }), c.path)))));

let before = null;

// sum is how many ops there are in all, and how many of them this leader accepted.
function sum(status) {
  let [ops, own] = [0, 0];
  for (const p of status.frontier) {
    ops += p.seq;
    if (p.origin === status.origin) own = p.seq;
  }
  return { ops, own };
}

// sample takes what the leader said at a moment of the page's own clock, in seconds.
export function sample(o, at) {
  const { ops, own } = sum(o.status);
  const losses = o.resolvers.reduce((n, r) => n + r.serving.inverted + r.serving.concurrent, 0);
  const now = { at: Date.parse(o.now) / 1000, origin: o.status.origin, ops, own, losses };
  if (before && before.origin === now.origin && now.at > before.at) {
    const per = (name) => Math.max(0, now[name] - before[name]) / (now.at - before.at);
    add(0, per('own'));
    add(1, per('ops'));
    add(2, per('losses'));
  }
  if (!before || now.at > before.at) add(3, Math.max(0, ...o.status.peers.map((p) => (p.lag_ops ? p.lag_seconds : 0))));
  before = now;
}

function add(i, value) {
  const c = all[i];
  c.values = [...c.values, value].slice(-kept);
  c.said.textContent = c.words(value);
  const top = Math.max(...c.values) || 1;
  c.path.setAttribute('d', c.values.map((v, n) => `${n ? 'L' : 'M'}${kept - c.values.length + n} ${(44 - (42 * v) / top).toFixed(1)}`).join(''));
}

// gap says that the leader did not answer: what it did meanwhile is not known.
export function gap() {
  before = null;
}
