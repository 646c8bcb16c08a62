// What the leader keeps: the ledger's sum, log, disk and memory.

import { ask } from './ask.js';
import { h, number, part, replace, scroll, table } from './dom.js';
import { bytes, clock, count, duration } from './format.js';

export const store = part('store', 'Log, disk and memory', (st) => facts([
  ['log', `${bytes(st.usage.log_bytes)} in files, ${bytes(st.log.bytes)} used; ${bytes(st.log.collectable_bytes)} about to go; ${count(st.log.removed_ops, 'op')} removed`],
  ['known everywhere', count(st.log.stable_ops, 'op')],
  ['accepted here alone so far', count(st.unshared_ops, 'op')],
  ['store', bytes(st.usage.store_bytes)],
  ['disk free', st.usage.disk_free === null ? 'the file system does not say' : `${bytes(st.usage.disk_free)} of ${bytes(st.usage.disk_bytes)}`],
  ['slowest write lately', duration(st.disk.slowest_seconds)],
  ['memory', bytes(st.usage.memory_bytes) + (st.usage.memory_limit_bytes ? ` of ${bytes(st.usage.memory_limit_bytes)}` : '')],
  ['clients', `${count(st.clients, 'connection')}, ${bytes(st.client_memory.used)} of ${bytes(st.client_memory.limit)}`],
  ['synced', `${st.sync}, ${count(st.unsynced_ops, 'op')} not yet`],
  ['held at the gate', `${count(st.gate_ops, 'op')}, ${bytes(st.gate_bytes)}`],
  ['policy', h('code', {}, st.policy)],
]));

function facts(pairs) {
  return h('dl', { class: 'facts' }, pairs.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

export const resolvers = part('resolvers', 'Verdicts by resolver', (o) => [
  h('p', { class: 'soft' }, 'Since this leader started. In the ledger are ', h('b', { id: 'rows' }, count(o.rows, 'lost write')), `, ${bytes(o.bytes)}${o.state === 'on' ? '' : '; it is off'}.`),
  scroll('verdicts by resolver', table('verdicts by resolver', ['resolver', 'superseded', 'inverted', 'concurrent', 'taken back'],
    o.resolvers.map((r) => [r.resolver, number(r.superseded), number(r.inverted), number(r.concurrent), number(r.retracted)]))),
]);

const result = h('div', { 'aria-live': 'polite' });
const button = h('button', { type: 'button', onclick: addUp }, 'add up now');

export const sum = h('section', { id: 'sum', 'aria-labelledby': 'heading-sum' }, h('h2', { id: 'heading-sum' }, 'The ledger’s sum'),
  h('p', {}, 'Every accepted write is live, superseded or lost, and never two of these, for every resolver. Adding up reads the whole log, so it is done when you ask.'),
  h('p', {}, button), result);

async function addUp() {
  button.disabled = true;
  replace(result, h('p', { class: 'soft' }, 'reading the log …'));
  try {
    replace(result, drawSum(await ask('/console/sum.json')));
  } catch (e) {
    replace(result, h('p', { class: 'lost' }, e.message));
  }
  button.disabled = false;
}

function drawSum(said) {
  return [
    scroll('the sum by resolver', table('the sum by resolver', ['resolver', 'accepted', 'live', 'superseded', 'lost', ''],
      said.balances.map((b) => [b.resolver, number(b.accepted), number(`= ${b.live.toLocaleString('en')}`), number(`+ ${b.superseded.toLocaleString('en')}`), number(`+ ${b.lost.toLocaleString('en')}`),
        h('td', { class: b.holds ? 'well' : 'lost' }, b.holds ? 'holds' : 'does not hold')]))),
    h('p', { class: 'soft' }, `As of ${clock(said.at)}, over ${count(said.keys, 'key')}${said.removed ? `; ${count(said.removed, 'op')} that the log does not keep any more are not counted` : ''}.`),
    h('details', {}, h('summary', {}, 'in words'), h('p', { class: 'sentences' }, said.text)),
  ];
}
