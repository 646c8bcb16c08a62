// Lost writes: as they happen, by prefix and resolver, and the keys that lost most.

import { h, keyLink, number, part, replace, scroll, table } from './dom.js';
import { clock, count } from './format.js';

const kept = 200; // losses in the page
let events = [];
let last = 0;
let all = false; // those of resolvers that only watch as well
let paused = false;
let missed = 0; // of clients' losses
let served = 0; // all of them, listed or not

// latest is the number of the last loss that the page knows.
export const latest = () => last;

const why = {
  inverted: 'its author had been shown the winner, whose stamp is greater all the same',
  concurrent: 'neither author had been shown the other’s write',
};

const list = scroll('losses as they happen');
const note = h('p', { class: 'soft' });

export const losses = h('section', { id: 'losses', 'aria-labelledby': 'heading-losses' }, h('h2', { id: 'heading-losses' }, 'Losses as they happen'),
  h('div', { class: 'toolbar' }, toggle('also of resolvers that only watch', () => all, (on) => { all = on; }), toggle('hold the list', () => paused, (on) => { paused = on; }), note), list);

function toggle(label, get, set) {
  const flip = () => {
    set(!get());
    button.setAttribute('aria-checked', get());
    draw();
  };
  const button = h('button', { type: 'button', class: 'switch', role: 'switch', 'aria-checked': get(), onclick: flip }, h('span', { class: 'knob', 'aria-hidden': 'true' }), label);
  return button;
}

// restart forgets what a leader told before it began anew: it numbers from one again.
export function restart() {
  [events, last, missed] = [[], 0, 0];
}

// take adds what the leader told since the last time.
export function take(o) {
  if (last > 0) missed += o.served_losses - served - o.losses.filter((e) => e.serving).length;
  served = o.served_losses;
  events = [...events, ...o.losses].slice(-kept);
  last = o.last_loss;
  if (!paused) draw();
}

function draw() {
  const shown = events.filter((e) => all || e.serving).reverse();
  note.textContent = [shown.length === 0 && 'none so far', missed > 0 && `${count(missed, 'loss', 'losses')} for clients came too fast, or are of keys that you may not read`].filter(Boolean).join('; ');
  replace(list, shown.length > 0 && table('losses, newest first', ['at', 'key', 'loser', 'winner', 'rule', 'reason'], shown.map(row)));
}

function row(e) {
  const rule = h('td', {}, e.resolvers.join(', '), e.serving ? null : h('span', { class: 'soft' }, ' (watching)'));
  if (e.retracted) return [clock(e.at), keyLink(e.key), dot(e, e.loser), '–', rule, h('td', { class: 'soft' }, 'taken back: a survivor has seen it after all')];
  return [clock(e.at), keyLink(e.key), dot(e, e.loser), dot(e, e.winner), rule, h('td', { class: 'reason' }, h('span', { class: 'lost' }, e.relation), `: ${why[e.relation] || 'it was thrown away unseen'}`)];
}

function dot(e, d) {
  if (!d) return 'not known';
  return e.key.link ? h('a', { class: 'dot', href: `#key=${e.key.link}&write=${d}` }, d) : h('span', { class: 'dot' }, d);
}

export const prefixes = part('prefixes', 'Losses by prefix and resolver', (all) => {
  if (all.length === 0) return h('p', { class: 'soft' }, 'No resolver has lost a write since this leader started.');
  return scroll('losses by prefix and resolver', table('losses since the leader started', ['prefix', 'resolver', 'inverted', 'concurrent', 'taken back'],
    all.map((p) => [p.prefix ? p.prefix.shown : 'other keys', h('td', {}, p.resolver, p.serving && h('b', {}, ' serves')), number(p.inverted), number(p.concurrent), number(p.retracted)])));
});

export const keys = part('keys', 'Keys that lost most', (all) => {
  if (all.length === 0) return h('p', { class: 'soft' }, 'No key has lost a write under the resolver that serves it, since this leader started.');
  return scroll('keys that lost most', table('keys that lost most', ['key', 'lost writes', 'the last at'],
    all.map((k) => [keyLink(k.key), number(k.over ? `${(k.lost - k.over).toLocaleString('en')} to ${k.lost.toLocaleString('en')}` : k.lost), clock(k.last)])));
});
