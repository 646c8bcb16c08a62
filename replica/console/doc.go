// Package console shows a leader to its operators over HTTP: health, metrics,
// status, profiles.
//
//	/               a page with links
//	/health/live    200 as long as the process answers
//	/health/ready   200, or 503 and the reasons, with how far it has come
//	/status         what the leader says of itself and its peers, and what somebody
//	                should look at, as JSON; KVD.STATUS answers the same
//	/metrics        for Prometheus
//	/alerts.yml     rules for Prometheus; kvd alerts prints them
//	/dashboard.json a board for Grafana; kvd dashboard prints it
//	/losses         lost writes as they happen, as server-sent events
//	/debug/pprof/   only for who asks from this machine
//
// It reads, and changes nothing: there is no request here that a leader would
// act on. What it needs from a leader is the interface [Source]; what happened is
// told to [Metrics] by whoever observes the leader's events, and losses come from
// [Losses].
//
// # The ledger
//
// The console's part of the ledger of lost writes is counts. metrics.go counts rows as
// they are inserted and retracted, and superseded versions, by resolver, relation and
// whether the resolver serves the key; gauges.go shows how many rows there are, what
// they take and how many were evicted, as [Status] says; losses.go is the page that
// tells of rows as they come; alerts.yml has rules over all of these. It reads no row:
// questions about lost writes are package ledger's.
//
// Invariants:
//
//   - no metric is labelled with a key or with anything that a client chooses;
//     the number of series has a bound that is known beforehand;
//   - a reader of losses never makes the leader wait: what waits for it has bounds,
//     one that takes nothing is cut, and all of them end with the console;
//   - counting an event takes no lock and no memory;
//   - what shows keys or memory is shown to users whose rights allow it;
//   - all that is refused is refused in JSON: what failed, why, what to do next.
package console
