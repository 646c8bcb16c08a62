// The members, and what somebody should look at.

import { h, number, part, scroll, table } from './dom.js';
import { duration } from './format.js';

export const alarms = part('alarms', 'Alarms', (all) => {
  if (all.length === 0) return h('p', { class: 'well' }, 'None: nothing needs to be looked at.');
  return h('ul', { class: 'alarms' }, all.map((a) => h('li', {}, h('b', {}, a.cause), ' ', a.detail, progress(a.progress))));
});

function progress(p) {
  if (!p || !p.total) return null;
  return ` (${Math.floor((100 * p.done) / p.total)} %)`;
}

export const members = part('members', 'Members', (status) => scroll('members', table('members as this leader sees them',
  ['member', 'state', 'clients', 'link', 'for', 'lacks', 'oldest of it', 'is ahead by', 'queued'],
  [own(status), ...status.peers.map(peer)])));

function own(status) {
  return [status.name, h('td', {}, `${status.state}, this leader`), String(status.clients), '–', duration(status.uptime_seconds).replace(/\.\d+/, ''), '–', '–', '–', '–'];
}

function peer(p) {
  const name = p.http ? h('a', { href: `${location.protocol}//${p.http}/` }, p.name) : p.name;
  const link = h('td', { class: p.link_up ? '' : 'lost' }, p.link_up ? 'up' : 'down');
  const since = p.link_seconds === null ? 'ever' : duration(Math.floor(p.link_seconds));
  return [name, h('td', { class: p.alive ? '' : 'lost' }, p.member), p.resp || '–', link, h('td', { class: 'short' }, since),
    number(p.lag_ops, { 'data-lag': p.name }), p.lag_ops ? duration(p.lag_seconds) : '–', number(p.ahead_ops), number(p.queue_bytes)];
}
