// Package slowlog remembers what took long: entries for SLOWLOG, and the longest time of
// each second for LATENCY.
//
// Invariants: what is retained is bounded in number and in bytes, and the newest stay;
// settings can change while it is used.
package slowlog
