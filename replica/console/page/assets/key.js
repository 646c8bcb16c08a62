// The view of one key: what it shows, why, and what was lost to what.

import { ask } from './ask.js';
import { h, replace, scroll, table } from './dom.js';
import { clock, count, duration } from './format.js';

const view = h('section', { id: 'key', 'aria-labelledby': 'heading-key' });
let asked = '';

const states = { other: 'seen in the history' };

// route is what the address asks for: a key as a query has it, and a write; null: none.
export function route() {
  const found = location.hash.match(/^#key=([^&]*)(?:&write=(.*))?$/);
  return found && found[1] ? { link: found[1], write: found[2] || '' } : null;
}

// search asks for the key that somebody types.
export function search() {
  const input = h('input', { type: 'search', 'aria-label': 'key', placeholder: 'a key', spellcheck: 'false', autocomplete: 'off' });
  const go = (e) => {
    e.preventDefault();
    if (input.value) location.hash = `key=${encodeURIComponent(input.value)}`;
  };
  return h('form', { class: 'search', role: 'search', onsubmit: go }, input, h('button', { type: 'submit' }, 'why does it hold that?'));
}

// show draws a key, and again whenever it is called for the same one.
export function show(where) {
  load(where);
  return view;
}

async function load(where) {
  const mine = (asked = where.link);
  if (view.dataset.link !== where.link) {
    view.dataset.link = where.link;
    replace(view, head('Key'), h('p', { class: 'soft' }, 'asking the leader …'));
  }
  let page;
  try {
    page = await ask(`/console/key.json?key=${where.link}`);
  } catch (e) {
    if (asked === mine) replace(view, head('Key'), h('p', { class: 'lost' }, e.message));
    return;
  }
  if (asked !== mine) return;
  replace(view, draw(page, where.link));
  const row = where.write && document.getElementById(`write-${where.write}`);
  if (row) {
    row.classList.add('lost');
    row.scrollIntoView({ block: 'center' });
  }
}

function head(title) {
  return [h('p', {}, h('a', { href: '#' }, '‹ the whole leader')), h('h2', { id: 'heading-key' }, title)];
}

function draw(page, link) {
  const to = (dot) => (dot ? h('a', { class: 'dot', href: `#key=${link}&write=${dot}` }, dot) : '–');
  return [
    head(['Key ', h('span', { class: 'key' }, page.key.shown)]),
    h('p', { class: 'soft' }, `As ${page.leader} shows it, by ${page.resolver}. `, again(link)),
    values(page),
    h('h3', {}, 'Why'), h('p', { class: 'sentences' }, page.text),
    h('h3', {}, 'Who wrote over what'), tree(page, to),
    h('h3', {}, 'Lost writes'), lost(page, to),
    h('h3', {}, 'Writes'), writes(page, to),
    page.removed > 0 && h('p', { class: 'soft' }, `History begins behind ${count(page.removed, 'op')} that the log does not keep any more.`),
  ];
}

function again(link) {
  return h('button', { type: 'button', onclick: () => load({ link, write: '' }) }, 'look again');
}

function values(page) {
  const ends = page.deadline;
  const left = ends && (Date.parse(ends.at) - Date.parse(ends.agreed)) / 1000;
  const many = page.values.length > 1;
  return [
    page.values.length === 0 ? h('p', {}, 'It shows nothing.') : h('p', {}, many ? `It shows ${page.values.length} values side by side, of authors that had not been shown each other’s:` : 'It shows:'),
    h('ul', { class: 'values' }, page.values.map((v) => h('li', {}, h('code', {}, v.shown)))),
    ends && h('p', {}, left > 0 ? `It ends in ${duration(left)}, at ${clock(ends.at)}` : `Its time ended at ${clock(ends.at)}`, ends.by && `, as ${ends.by} stated later`, '.'),
  ];
}

// tree is what is shown with what it was written over below it, and what was lost.
function tree(page, to) {
  const drawn = new Set();
  const branch = (w) => {
    drawn.add(w.dot);
    const below = page.writes.filter((o) => o.state === 'overwritten' && o.by === w.dot && !drawn.has(o.dot));
    return h('li', {}, to(w.dot), ' ', said(w), below.length > 0 && h('ul', {}, below.map(branch)));
  };
  const shown = page.writes.filter((w) => w.state === 'shown');
  const losers = [...new Set(page.losses.map((l) => l.loser))];
  return h('ul', { class: 'tree', 'aria-label': 'who wrote over what' }, shown.map(branch),
    losers.map((dot) => h('li', {}, to(dot), h('span', { class: 'lost' }, ' lost'), ` to `, to(page.losses.find((l) => l.loser === dot).winner),
      ` under ${[...new Set(page.losses.filter((l) => l.loser === dot).map((l) => l.resolver))].join(', ')}`)));
}

function said(w) {
  const value = w.value ? h('code', {}, w.value.shown) : w.kind;
  return [value, ` by ${w.author || 'a client'} at ${w.leader}`];
}

function lost(page, to) {
  if (page.losses.length === 0) return h('p', { class: 'soft' }, 'None that is known here.');
  const list = (name, some) => scroll(name, table(name, ['resolver', 'relation', 'loser', 'winner', 'at', 'why'],
    some.map((l) => [l.resolver, l.relation, to(l.loser), to(l.winner), clock(l.at), h('td', { class: 'reason' }, l.text)])));
  const [serving, watching] = [page.losses.filter((l) => l.serving), page.losses.filter((l) => !l.serving)];
  return [
    serving.length > 0 ? list(`lost under ${page.resolver}, which serves`, serving) : h('p', { class: 'soft' }, `${page.resolver}, which serves, has lost none.`),
    watching.length > 0 && h('details', {}, h('summary', {}, `${count(watching.length, 'row')} of resolvers that only watch`), list('lost under resolvers that only watch', watching)),
    page.left > 0 && h('p', { class: 'soft' }, `${count(page.left, 'more is', 'more are')} not listed; `, h('code', {}, `kv losses --prefix ${page.key.shown} --resolver all`), ' lists every lost write.'),
    page.left > 0 && page.groups.length > 0 && scroll('all that is lost, counted', table('all that is lost, counted', ['resolver', 'writes', 'relation', 'accepted by', 'winner now', 'found lost'],
      page.groups.map((g) => [g.resolver, `${g.writes}`, g.relation, g.leader || 'other leaders', g.winner ? to(g.winner) : '–', `${clock(g.from)} – ${clock(g.to)}`]))),
  ];
}

function writes(page, to) {
  return scroll('writes of the key', h('table', {}, h('caption', {}, 'writes of the key'),
    h('thead', {}, h('tr', {}, ['write', 'what became of it', 'value', 'accepted by', 'author', 'wall clock', 'error', 'hybrid', 'lamport', 'written over'].map((t) => h('th', { scope: 'col' }, t)))),
    h('tbody', {}, page.writes.map((w) => h('tr', { id: `write-${w.dot}` }, h('th', { scope: 'row' }, to(w.dot)),
      [[states[w.state] || w.state, w.by && [w.state === 'lost' ? ' to ' : ' by ', to(w.by)]], w.value ? h('code', {}, w.value.shown) : w.kind, w.leader, w.author || '–',
        w.wall.startsWith('0001') ? '–' : clock(w.wall), h('span', { class: 'short' }, `±${duration(w.error_seconds)}`), w.hlc, w.lamport,
        w.parents.length ? w.parents.map((p, i) => [i > 0 && ', ', to(p)]) : 'nothing'].map((c) => h('td', {}, c)))))));
}
