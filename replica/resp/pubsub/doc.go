// Package pubsub brings messages to subscribers: what clients publish at any leader, and what
// the leader says on channels of its own, which begin with kvd:.
//
//	PUBLISH here ─▶ Broker ─▶ each Subscriber's queue ─▶ wake ─▶ its connection's goroutine
//	       └─▶ other leaders ─▶ their Broker
//	leader ─▶ Feeds ─▶ a Feed of each subscriber ─▶ wake ─▶ its connection's goroutine
//
// Invariants:
//
//   - a message comes at most once for each subscription, in one order for all, and only to
//     those who listen when it is published;
//   - publishing waits for nobody. A message is held once however many wait for it, and is
//     counted against the memory of all clients until the last has taken it. A subscriber
//     for whom too much waits is cut, and so is the one for whom most waits where there is
//     no memory;
//   - only the leader speaks on its own channels, and only patterns that begin as they do
//     match them.
package pubsub
