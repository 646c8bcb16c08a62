// Asking the leader once a second, and drawing what it says.

import { ask } from './ask.js';
import { h, replace } from './dom.js';
import { clock, duration } from './format.js';
import { clocks } from './clocks.js';
import { curves, gap, sample } from './curves.js';
import * as trying from './experiments.js';
import * as key from './key.js';
import * as lost from './losses.js';
import { alarms, members } from './members.js';
import { resolvers, store, sum } from './store.js';

const every = 1000; // milliseconds between polls
const timeout = 2000; // of one

const main = document.getElementById('main');
const connection = document.getElementById('connection');
const overview = [trying.experiments, curves, alarms.node, members.node, lost.losses, clocks.node, lost.keys.node, lost.prefixes.node, resolvers.node, sum, store.node];
const search = h('section', { id: 'search', 'aria-label': 'Look at a key' }, key.search());

let began = ''; // the origin and start of the leader that answered last
let answered = 0; // when it did, by the page's clock; 0: never

async function poll() {
  try {
    draw(await ask(`/console/overview.json?after=${lost.latest()}`, { signal: AbortSignal.timeout(timeout) }));
  } catch (e) {
    away(e);
  }
  setTimeout(poll, every);
}

// draw shows what the leader said. One that began anew counts from zero again.
function draw(o) {
  const st = o.status;
  const start = Math.round(Date.parse(o.now) / 1000 - st.uptime_seconds);
  const other = began === '' || began.origin !== st.origin || Math.abs(began.start - start) > 2;
  if (other && began !== '') gap();
  if (other && began !== '' && lost.latest() > 0) {
    lost.restart();
    began = { origin: st.origin, start };
    return;
  }
  began = { origin: st.origin, start };
  answered = Date.now();
  connection.className = '';
  connection.textContent = `up for ${duration(Math.floor(st.uptime_seconds))}, as of ${clock(o.now)} UTC${o.user ? `, asked as ${o.user}` : ''}`;
  document.title = `${st.name}: kvd`;
  replace(document.getElementById('name'), document.createTextNode(st.name), h('span', { class: `badge ${st.state === 'serving' && st.ready ? 'serving' : 'other'}` }, st.ready ? st.state : `${st.state}, not ready`));
  trying.draw(o.experiment);
  sample(o);
  alarms.draw(st.alarms);
  members.draw({ name: st.name, state: st.state, clients: st.clients, uptime_seconds: Math.floor(st.uptime_seconds), peers: st.peers });
  clocks.draw({ name: st.name, error: st.clock_error_seconds, source: st.clock.source || 'its own claim', judged: st.clock.judged, peers: st.peers.map((p) => ({ name: p.name, clock: p.clock })) });
  lost.take(o);
  lost.keys.draw(o.keys);
  lost.prefixes.draw(o.prefixes);
  resolvers.draw({ resolvers: o.resolvers, rows: st.ledger.rows, bytes: st.ledger.bytes, state: st.ledger.state });
  store.draw(st);
  document.documentElement.dataset.ready = 'yes';
}

// away says that the leader does not answer, and since when.
function away(e) {
  gap();
  connection.className = 'away';
  const since = answered ? `The last answer is ${duration(Math.round((Date.now() - answered) / 1000)) || 'a moment'} old; what is below is as it was then.` : '';
  const what = e.refused ? 'The leader refuses to answer' : 'The leader does not answer';
  connection.textContent = `${what}: ${e.name === 'TimeoutError' ? 'it takes too long' : e.message}. ${since} Asking again every second.`;
}

// view shows what the address asks for.
function view() {
  const where = key.route();
  main.replaceChildren(search, ...(where ? [key.show(where)] : overview));
  if (!where) scrollTo(0, 0);
}

addEventListener('hashchange', view);
view();
poll();
