// Where the clocks stand against each other: a row sees a column's clock within an
// interval. The leader knows its own row; the others follow from it, and are wider.

import { h, part, s, scroll } from './dom.js';
import { duration, signed } from './format.js';

const apart = 0.5; // seconds; from there on the leader gives an alarm
const most = 8; // members that have rows of their own

export const clocks = part('clocks', 'Clocks', (data) => {
  const names = [data.name, ...data.peers.map((p) => p.name)].slice(0, most);
  const known = new Map([[data.name, [0, 0]], ...data.peers.filter((p) => p.clock).map((p) => [p.name, [p.clock.earliest_seconds, p.clock.latest_seconds]])]);
  const cells = names.map((row) => names.map((column) => between(known.get(row), known.get(column), row === column)));
  const reach = Math.max(1e-4, ...cells.flat(2).filter((x) => x !== null).map(Math.abs));
  return [
    h('p', { class: 'soft' }, `${data.name} claims ±${duration(data.error)} for its own clock, by ${data.source}. Bars reach from −${duration(reach)} to +${duration(reach)}, with zero in the middle.`),
    judgement(data.judged),
    scroll('clock offsets', h('table', { class: 'offsets' }, h('caption', {}, 'how far the clock of a column is ahead of the clock of its row'),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'seen by'), names.map((n) => h('th', { scope: 'col' }, n)))),
      h('tbody', {}, cells.map((row, i) => h('tr', {}, h('th', { scope: 'row' }, names[i]), row.map((c, j) => cell(c, i, j, reach, names))))))),
    data.peers.length + 1 > most && h('p', { class: 'soft' }, `The first ${most} of ${data.peers.length + 1} members are shown.`),
    data.peers.length > 1 && h('p', { class: 'soft' }, `The pale bars are not measured: they follow from what ${data.name} sees.`),
  ];
});

// judgement is what the leader makes of all members' clocks.
function judgement(j) {
  if (!j) return null;
  const heard = `${j.heard} of ${j.members} members’ clocks are known`;
  if (j.state === 'too-few') return h('p', { class: 'soft' }, `${heard}: too few to judge any.`);
  if (j.state === 'split') return h('p', { class: 'lost' }, `${heard}, and no ${j.quorum} of them agree.`);
  const wrong = j.clocks.filter((c) => c.outside_seconds !== 0);
  const within = j.majority && ` Most place true time between ${signed(j.majority.earliest_seconds)} and ${signed(j.majority.latest_seconds)} of this leader’s clock.`;
  return h('p', { id: 'judged', class: wrong.length ? 'lost' : 'soft' }, `${heard}.`, within,
    wrong.map((c) => ` ${c.name}, which claims ±${duration(c.claims_seconds)}, is ${duration(Math.abs(c.outside_seconds))} ${c.outside_seconds < 0 ? 'behind' : 'ahead of'} that.`),
    j.quarantined && ` This leader’s clock is in quarantine: ${refused[j.quarantine] || j.quarantine}.`);
}

// refused is what a quarantine keeps out.
const refused = { warn: 'it is only said', stamps: 'writes of keys whose resolver compares wall clocks are refused', all: 'all writes are refused' };

// between is where one clock stands as seen by another; null: it is not known.
function between(a, b, same) {
  if (same || !a || !b) return null;
  return [b[0] - a[1], b[1] - a[0]];
}

function cell(offset, i, j, reach, names) {
  if (i === j) return h('td', { class: 'soft' }, '–');
  if (!offset) return h('td', { class: 'soft' }, 'not known');
  const x = (seconds) => 100 + (96 * seconds) / reach;
  const [from, to] = offset.map(x);
  const far = Math.max(0, offset[0], -offset[1]) > apart;
  const text = `${signed(offset[0])} to ${signed(offset[1])}`;
  return h('td', { class: [i > 0 && 'derived', far && 'apart'].filter(Boolean).join(' '), 'data-offset': `${names[i]} ${names[j]}` },
    s('svg', { viewBox: '0 0 200 16', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      s('line', { class: 'zero', x1: 100, x2: 100, y1: 0, y2: 16 }), s('rect', { x: Math.min(from, 198), y: 4, width: Math.max(2, to - from), height: 8 })),
    h('small', {}, text));
}
