// Package console shows a leader to its operators over HTTP: health, metrics,
// status, profiles.
//
//	/               the console: a page for people, kept up to date (package page)
//	/console/       what that page consists of, and what it asks for, as JSON: overview,
//	                key, sum, and the experiments of a development cluster
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
// It reads, and changes nothing: there is no request here that a leader would act on,
// but for the [Experiments] of a development cluster, whose own page moves its faults.
// What it needs from a leader is the interface [Source]; what happened is told to
// [Metrics] by whoever observes the leader's events, losses come from [Losses], and
// answers about keys from [Store].
//
// # The page
//
// A page polls /console/overview.json once a second: the status, and what [Metrics] and
// package tally counted since the leader started. It is gathered at most twice a second
// however many pages there are, and reads nothing of the store. What does read it is asked
// for by people: the view of a key, and the sum of the ledger; both are answered a few at a
// time. Keys and values are bytes: the leader makes [Text] of them.
//
// # The ledger
//
// The console's part of the ledger of lost writes is counts. metrics.go counts rows as
// they are inserted and retracted, and superseded versions, by resolver, relation and
// whether the resolver serves the key; gauges.go shows how many rows there are, what
// they take and how many were evicted, as [Status] says; losses.go is the page that
// tells of rows as they come; package tally counts losses by prefix and key; alerts.yml
// has rules over all of these. It reads no row: questions about lost writes are package
// ledger's.
//
// Invariants:
//
//   - no metric is labelled with a key or with anything that a client chooses;
//     the number of series has a bound that is known beforehand;
//   - a reader of losses never makes the leader wait: what waits for it has bounds,
//     one that takes nothing is cut, and all of them end with the console;
//   - counting an event takes no memory, and no lock but, for a lost write, a short one;
//   - an answer for the page has a bound, however many keys and losses there are;
//   - what shows keys or memory is shown to users whose rights allow it;
//   - all that is refused is refused in JSON: what failed, why, what to do next.
package console
