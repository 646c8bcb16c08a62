// Package explore looks for broken promises in random histories.
//
// A seed becomes a scenario: leaders and their settings, policies, wrong clocks, bad
// links, clients and faults within a system model, written in the same language
// people write. It is played under each resolver, which serves what no policy gives
// to another, and everything that must hold in every history is checked. A history
// that breaks a promise is shrunk, by leaving out lines while it still breaks the
// same one, and printed as a scenario that says everything it depends on but the
// resolver.
//
// All faults but those of clocks end before the settling time, so that liveness
// is judged on a cluster that has the chance to converge; clocks stay as wrong
// as they are.
package explore
